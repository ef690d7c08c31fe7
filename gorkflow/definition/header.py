"""What a workflow is beside its steps: its names, version, config, tags, context and limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from gorkflow.config import MAX_AHEAD, ExecutionConfig, PositiveSeconds, StartOptions
from gorkflow.definition.codec import Codec
from gorkflow.definition.naming import MAX_VERSION_LENGTH, checked_name, checked_tags
from gorkflow.definition.step import checked_config
from gorkflow.errors import DefinitionError, PayloadError

_SECONDS: TypeAdapter[float | None] = TypeAdapter(
    Annotated[PositiveSeconds, Field(le=MAX_AHEAD.total_seconds())] | None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The arguments of a `WorkflowBuilder`. Raises DefinitionError where one is wrong."""

    id: str
    name: str
    version: str
    description: str
    config: ExecutionConfig
    tags: Mapping[str, str]
    context: Any
    max_concurrent_runs: int | None
    run_timeout: float | None

    def __post_init__(self) -> None:
        checked_name(self.id, "a workflow id")
        what = f"workflow {self.id!r}"
        checked_name(self.name, f"the name of {what}")
        checked_name(self.version, f"the version of {what}", limit=MAX_VERSION_LENGTH)
        _check_type(self.description, str, f"the description of {what}")
        _check_type(self.config, ExecutionConfig, f"the config of {what}")
        _check_limits(self, what)
        try:
            checked_tags(StartOptions(tags=self.tags).tags)
        except ValidationError as error:
            msg = f"the tags of {what}: {error.errors(include_url=False)[0]['msg']}"
            raise DefinitionError(msg) from None
        except PayloadError as error:
            raise DefinitionError(f"{what}: {error.message}") from None

    def replace(self, **fields: Any) -> Header:
        """Return a header with some fields changed."""
        return dataclasses.replace(self, **fields)

    def configured(
        self, config: ExecutionConfig | None, fields: Mapping[str, Any]
    ) -> ExecutionConfig:
        """Return the config with another one, and then single fields, laid over it."""
        laid = self.config if config is None else config.over(self.config)
        return checked_config(fields, f"workflow {self.id!r}").over(laid) if fields else laid

    def context_codec(self) -> Codec[Any]:
        """Return the codec of the custom context: its model or dataclass, else any JSON value."""
        kind = type(self.context)
        typed = issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)
        return Codec(kind if typed else Any, what=f"context of workflow {self.id!r}")


def _check_type(value: object, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        msg = f"{what} must be {kind.__name__}, not {value!r:.100}"
        raise DefinitionError(msg)


def _check_limits(header: Header, what: str) -> None:
    runs = header.max_concurrent_runs
    if runs is not None and (not isinstance(runs, int) or isinstance(runs, bool) or runs < 1):
        msg = (
            f"max_concurrent_runs of {what} must be at least 1, or None for no limit, not {runs!r}"
        )
        raise DefinitionError(msg)
    try:
        _SECONDS.validate_python(header.run_timeout)
    except ValidationError:
        msg = (
            f"run_timeout of {what} must be seconds above 0, up to {MAX_AHEAD.days} days of them,"
            f" or None, not {header.run_timeout!r}"
        )
        raise DefinitionError(msg) from None
