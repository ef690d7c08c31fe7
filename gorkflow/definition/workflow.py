"""`Workflow`: what `WorkflowBuilder.build()` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

from pydantic import ValidationError

from gorkflow.config import ExecutionConfig, StartOptions
from gorkflow.definition.binding import current_engine
from gorkflow.definition.codec import Codec
from gorkflow.definition.condition import Condition
from gorkflow.definition.graph import ExecutionGraph
from gorkflow.definition.naming import did_you_mean
from gorkflow.definition.step import Step
from gorkflow.errors import PayloadError
from gorkflow.records import Json

if TYPE_CHECKING:
    from gorkflow.engine.run import Run

__all__ = ["Condition", "StartFields", "Workflow", "start_options"]

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


class StartFields(TypedDict, total=False):
    """The fields of `StartOptions`, as keyword arguments of `Workflow.start`."""

    resource_id: str | None
    concurrency_check: bool
    tags: Mapping[str, str]
    idempotency_key: str | None
    synchronous: bool
    priority: int
    started_by: str
    run_at: datetime | None
    context: Any


@dataclass(frozen=True, eq=False, kw_only=True)
class Workflow(Generic[In_contra, Out_co]):
    """A checked, immutable workflow: steps, their graph, and how a run of it begins."""

    id: str
    name: str
    version: str
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags that every run gets, unless its start says otherwise."""
    config: ExecutionConfig = field(default_factory=ExecutionConfig)
    """What steps get that set nothing themselves, and `max_concurrency` of a run."""
    max_concurrent_runs: int | None = None
    """Runs that may be under way at once; the rest wait as PENDING. None for no limit."""
    run_timeout: float | None = None
    """Seconds from start until a run fails with TIMEOUT; None for no limit."""
    graph: ExecutionGraph
    steps: Mapping[str, Step[Any, Any]]
    conditions: Mapping[str, Condition]
    """By the id of the step they guard."""
    input_type: Any
    output_type: Any
    """What a run's output is: the one sink's output, or those of several sinks by step id."""
    input_codec: Codec[Any]
    output_codec: Codec[Any]
    context: Json | None = None
    """The custom context as JSON text, or None."""
    context_codec: Codec[Any]
    place: str = ""
    """Where it was built ("shop.workflows, line 12"), for messages."""

    def __repr__(self) -> str:
        return f"<Workflow {self.id!r} version {self.version!r}, {len(self.steps)} steps>"

    def start(
        self,
        input: In_contra | None = None,  # noqa: A002  the public word
        **options: Unpack[StartFields],
    ) -> Run[Out_co]:
        """Start a run on the current engine and return at once.

        Args:
            input: the run's input, an instance of `input_type` or what validates as one.
            options: see `StartOptions`.

        Raises:
            PayloadError: the input does not fit, or an option is unknown or wrong.
            ConcurrencyLimitError: `concurrency_check` found another run with the resource id.
            IdempotencyConflictError: the idempotency key was used with another input.
            ConfigurationError: no engine is set up.

        """
        return current_engine().start(self, input, start_options(options))

    async def astart(
        self,
        input: In_contra | None = None,  # noqa: A002  the public word
        **options: Unpack[StartFields],
    ) -> Run[Out_co]:
        """Do the same as `start`, for async code."""
        return await current_engine().astart(self, input, start_options(options))

    def input_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a run's input."""
        return self.input_codec.json_schema("validation")

    def output_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a run's output."""
        return self.output_codec.json_schema("serialization")


def start_options(fields: Mapping[str, Any]) -> StartOptions:
    """Return checked StartOptions. Raises PayloadError, with the nearest right name."""
    try:
        return StartOptions(**fields)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        errors = [
            {"loc": list(each["loc"]), "msg": each["msg"], "type": each["type"]} for each in found
        ]
        name = ".".join(map(str, errors[0]["loc"]))
        unknown = errors[0]["type"] == "extra_forbidden"
        hint = did_you_mean(name, StartOptions.model_fields) if unknown else ""
        msg = f"start option {name!r}: {errors[0]['msg']}{hint}"
        raise PayloadError(msg, errors=errors) from None
