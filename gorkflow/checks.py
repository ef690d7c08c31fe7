"""System checks: settings that are wrong, and Celery settings that hurt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from celery import current_app
from django.apps import AppConfig
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  Django's own name
from django.utils.connection import ConnectionDoesNotExist

from gorkflow.definition.registry import registry
from gorkflow.errors import ConfigurationError
from gorkflow.wiring import get_engine


def check_all(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001  Django's signature
    **_kwargs: Any,
) -> list[CheckMessage]:
    """Run every check of this app."""
    return [*_check_engine(), *_check_django(), *_check_celery()]


def _check_engine() -> Iterator[CheckMessage]:
    try:
        limit = get_engine().store.transaction_seconds()
    except (ConfigurationError, ConnectionDoesNotExist) as error:
        yield Error(str(error), id="gorkflow.E001")
    else:
        yield from _check_transactions(limit)


def _check_transactions(limit: float | None) -> Iterator[CheckMessage]:
    if limit is None:
        return
    late = [
        f"{node.id!r} of workflow {workflow.id!r}"
        for workflow in registry
        for node in workflow.graph
        if node.atomic and (node.config.timeout is None or node.config.timeout > limit)
    ]
    if late:
        others = f" and {len(late) - 1} more" if len(late) > 1 else ""
        yield Warning(
            f"Atomic step {late[0]}{others} may take longer than the {limit:g} s for which this "
            "database leaves a transaction alone, and is ended then.",
            hint=f"Set timeout={limit:g} or less, and do what takes longer in a step before it.",
            id="gorkflow.W006",
        )


def _check_django() -> Iterator[CheckMessage]:
    if not django_settings.USE_TZ:
        yield Error(
            "Gorkflow needs USE_TZ = True.",
            hint="Leases and due times are kept in UTC; naive local times jump twice a year.",
            id="gorkflow.E002",
        )


def _check_celery() -> Iterator[CheckMessage]:
    conf = current_app.conf
    if conf.task_always_eager:
        yield Warning(
            "Celery's task_always_eager is on: start() runs the workflow in the caller.",
            hint="In tests use gorkflow.testing or start(..., synchronous=True) instead.",
            id="gorkflow.W001",
        )
    if not conf.broker_url and not conf.broker_write_url:
        yield Warning(
            "No Celery broker is configured, so no worker will hear of a run.",
            hint="Set broker_url, and import your Celery app in your project's __init__.py.",
            id="gorkflow.W002",
        )
    if {"pickle", "application/x-python-serialize"} & set(conf.accept_content or ()):
        yield Warning(
            "Celery accepts pickle, which lets whoever can write to the broker run code.",
            hint='Set accept_content = ["json"]; Gorkflow sends nothing else.',
            id="gorkflow.W003",
        )
    if conf.worker_prefetch_multiplier != 1:
        yield Warning(
            f"Celery's worker_prefetch_multiplier is {conf.worker_prefetch_multiplier}: messages "
            "wait behind a long step while other workers are idle.",
            hint="Set worker_prefetch_multiplier = 1.",
            id="gorkflow.W004",
        )
    yield from _check_time_limit(conf.task_time_limit)


def _check_time_limit(limit: float | None) -> Iterator[CheckMessage]:
    if limit is None:
        return
    for workflow in registry:
        for node in workflow.graph:
            if node.config.timeout is None or node.config.timeout >= limit:
                yield Warning(
                    f"Celery kills a task after {limit:g} s (task_time_limit), before the timeout "
                    f"of step {node.id!r} of workflow {workflow.id!r} ends it.",
                    hint="Raise task_time_limit above the longest step plus the time budget.",
                    id="gorkflow.W005",
                )
                return
