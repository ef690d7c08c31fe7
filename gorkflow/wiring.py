"""The one place where settings become objects: the process's engine and what it is made of."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from uuid import UUID

from celery import current_app
from django.core.signals import setting_changed
from django.db import transaction
from django.dispatch import Signal, receiver
from django.utils.module_loading import import_string

from gorkflow import signals
from gorkflow.config import EngineConfig
from gorkflow.dispatch.base import Dispatcher
from gorkflow.engine import Engine
from gorkflow.errors import ConfigurationError
from gorkflow.records import ErrorInfo
from gorkflow.settings import SETTING, GorkflowSettings, get_settings
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import Claim, WorkflowStore


@lru_cache(maxsize=1)
def get_engine() -> Engine:
    """Return this process's engine, built from the settings at the first call.

    Raises:
        ConfigurationError: a setting is wrong, or names something that cannot be built.

    """
    settings = get_settings()
    store = build(settings.store, settings.store_options, WorkflowStore, "STORE")
    dispatcher = build(settings.dispatcher, settings.dispatcher_options, Dispatcher, "DISPATCHER")
    return Engine(
        store,
        dispatcher,
        config=_with_default_queue(settings),
        observer=SignalObserver(getattr(store, "using", None)),
    )


def _with_default_queue(settings: GorkflowSettings) -> EngineConfig:
    """Let the host's Celery app name the default queue, unless the settings do."""
    config = settings.engine
    if "default_queue" in config.model_fields_set:
        return config
    queue = current_app.conf.task_default_queue or config.default_queue
    return config.model_copy(update={"default_queue": queue})


def build(path: str, options: dict[str, Any], base: type, key: str) -> Any:
    """Return an object of the class that a setting names.

    Args:
        path: the class's dotted path.
        options: keyword arguments for it.
        base: the class that it has to derive from.
        key: the setting's name, for messages.

    Raises:
        ConfigurationError: there is no such class, or it cannot be built.

    """
    try:
        built = import_string(path)(**options)
    except (ImportError, TypeError) as error:
        raise ConfigurationError(f"{SETTING}[{key!r}] = {path!r}: {error}", key=key) from error
    if not isinstance(built, base):
        raise ConfigurationError(f"{SETTING}[{key!r}] = {path!r} is no {base.__name__}", key=key)
    return built


class SignalObserver:
    """Turns committed transitions into Django signals.

    Args:
        using: the database alias whose commit the signals wait for; None for the default one.

    """

    def __init__(self, using: str | None) -> None:
        self._using = using

    def run_created(self, run_id: UUID, workflow_id: str) -> None:
        """Send `run_created`."""
        self._send(signals.run_created, run_id=run_id, workflow_id=workflow_id)

    def run_started(self, run_id: UUID, workflow_id: str) -> None:
        """Send `run_started`."""
        self._send(signals.run_started, run_id=run_id, workflow_id=workflow_id)

    def step_ended(self, claim: Claim, status: StepStatus, error: ErrorInfo | None) -> None:
        """Send `step_ended`."""
        self._send(
            signals.step_ended,
            run_id=claim.run_id,
            workflow_id=claim.workflow_id,
            step_id=claim.step_id,
            attempt=claim.attempt,
            status=status,
            error=error,
        )

    def run_ended(
        self, run_id: UUID, workflow_id: str, status: RunStatus, error: ErrorInfo | None
    ) -> None:
        """Send `run_ended`."""
        self._send(
            signals.run_ended, run_id=run_id, workflow_id=workflow_id, status=status, error=error
        )

    def _send(self, signal: Signal, **data: Any) -> None:
        if signal.receivers:
            transaction.on_commit(
                lambda: signal.send_robust(sender=Engine, **data), using=self._using, robust=True
            )


@receiver(setting_changed)
def _forget(*, setting: str, **_kwargs: Any) -> None:
    if setting == SETTING:
        get_engine.cache_clear()
