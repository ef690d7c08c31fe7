"""The one setting, GORKFLOW: a dictionary, read once, validated, unknown keys refused."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gorkflow.config import EngineConfig
from gorkflow.errors import ConfigurationError

SETTING = "GORKFLOW"


class GorkflowSettings(BaseModel):
    """What the host may set; keys are written in capitals there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str = "gorkflow.stores.orm.DjangoStore"
    """Dotted path of the WorkflowStore class."""
    store_options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments for it; the Django store takes `using`, a database alias."""
    dispatcher: str = "gorkflow.dispatch.celery.CeleryDispatcher"
    """Dotted path of the Dispatcher class."""
    dispatcher_options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments for it."""
    sweep_in_workers: bool = True
    """Whether each Celery worker sweeps; otherwise schedule the `gorkflow.sweep` task."""
    autodiscover: str = "workflows"
    """The module that is imported from every installed app."""
    api_policy: str = "gorkflow.api.policy.RunPolicy"
    """Dotted path of the class that says which runs and workflows a request may see."""
    api_max_wait: float = Field(default=25.0, ge=0, le=300)
    """Seconds that `?wait=` may hold a request, and a thread of the server, at most; 0 forbids."""
    api_max_body_bytes: int | None = Field(default=None, ge=1024)
    """Bytes of a request's body; None for twice MAX_PAYLOAD_BYTES and 64 kB."""
    admin: bool = True
    """Whether runs and workflows are registered with the default admin site."""
    start_forms: dict[str, str] = Field(default_factory=dict)
    """Dotted paths of Django forms by workflow id, in place of the generated start forms."""
    engine: EngineConfig = EngineConfig()
    """Built from the keys that EngineConfig has."""


@lru_cache(maxsize=1)
def get_settings() -> GorkflowSettings:
    """Return the validated settings.

    Raises:
        ConfigurationError: the setting is no dictionary, or a key is unknown or wrong; names it.

    """
    raw = getattr(django_settings, SETTING, {})
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{SETTING} must be a dictionary, not {type(raw).__name__}")
    own = {name.upper() for name in GorkflowSettings.model_fields if name != "engine"}
    engine = {name.upper() for name in EngineConfig.model_fields}
    for key in raw:
        if key not in own | engine:
            raise ConfigurationError(_unknown(key, own | engine), key=key)
    try:
        config = EngineConfig(**{key.lower(): raw[key] for key in raw if key in engine})
        values = {key.lower(): raw[key] for key in raw if key in own}
        return GorkflowSettings(**values, engine=config)
    except ValidationError as error:
        raise ConfigurationError(_wrong(error)) from None


def _unknown(key: object, known: set[str]) -> str:
    near = difflib.get_close_matches(str(key).upper(), known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
    return f"{SETTING} has no key {key!r}{hint}"


def _wrong(error: ValidationError) -> str:
    first = error.errors()[0]
    where = "".join(f"[{str(part).upper()!r}]" for part in first["loc"])
    return f"{SETTING}{where}: {first['msg']}"


@receiver(setting_changed)
def _forget(*, setting: str, **_kwargs: Any) -> None:
    if setting == SETTING:
        get_settings.cache_clear()
