"""Value types for what a caller may set: per step, per start, and for the engine as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    model_validator,
)
from pydantic_core import PydanticCustomError

from gorkflow.retention import Retention

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]

MAX_ID_LENGTH = 200
"""Characters in a workflow id or step id."""

MAX_ACTOR = 255
"""Characters in the name of who started a run or did something to it."""

MAX_REASON = 500
"""Characters in what somebody gave as the reason for it."""

MAX_AHEAD = timedelta(days=3660)
"""How far ahead a run may be put off, and how long it may take at most, ten years: beyond that it
is a mistake in a unit."""


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("bad_text", "must have no lone surrogates") from None
    if "\x00" in text:
        raise PydanticCustomError("bad_text", "must have no NUL characters")
    return text


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("bad_time", "must be in the years 1 to 9999 of UTC") from None


Text = Annotated[str, AfterValidator(_storable)]
"""Text that every database takes."""
Key = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_storable)]
Queue = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_storable)]
Moment = Annotated[AwareDatetime, Strict(), AfterValidator(_in_utc)]
"""A datetime with a time zone; no text and no number, of which nobody knows the unit."""
Author = Annotated[str, Field(max_length=MAX_ACTOR), AfterValidator(_storable)]


class Backoff(StrEnum):
    """How the wait grows from one retry to the next."""

    LINEAR = "LINEAR"
    EXPONENTIAL = "EXPONENTIAL"
    NONE = "NONE"


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class ExecutionConfig(_Config):
    """How a step is run. Fields that a step leaves unset come from its workflow, then from here."""

    max_retries: int = Field(default=3, ge=0, le=1000)
    """Attempts after the first that an ordinary failure may use."""
    retry_delay: Seconds = 1.0
    """Seconds before the first retry."""
    backoff: Backoff = Backoff.LINEAR
    """LINEAR: delay x retry number. EXPONENTIAL: delay x 2^(retry - 1). NONE: always delay."""
    max_delay: Seconds = 300.0
    """Seconds that no wait exceeds."""
    jitter: float = Field(default=0.1, ge=0, le=1)
    """Share of the wait that is taken off at random, so that retries do not come in step."""
    timeout: PositiveSeconds | None = 30.0
    """Seconds for one attempt; None for no limit."""
    max_concurrency: int | None = Field(default=None, ge=1)
    """Steps of one run that may run at once; read from the workflow's config only."""
    continue_on_error: bool = False
    """Whether the run goes on without this step's output when it fails for good."""
    queue: Queue | None = None
    """The Celery queue of the step; None for the engine's default queue."""
    retry_on: tuple[type[BaseException], ...] | None = None
    """Exceptions that are retried; None for every one."""
    no_retry_on: tuple[type[BaseException], ...] = ()
    """Exceptions that are not retried; wins over `retry_on`."""

    def over(self, base: ExecutionConfig) -> ExecutionConfig:
        """Return `base` with the fields that were set on this one laid over it."""
        return ExecutionConfig(**{**base.set_fields(), **self.set_fields()})

    def set_fields(self) -> dict[str, Any]:
        """Return only the fields that somebody set."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class StartOptions(_Config):
    """What a caller may say when starting a run, beside its input."""

    resource_id: Key | None = None
    """Your own name for what the run is about ("order-42"); runs can be listed by it."""
    concurrency_check: bool = False
    """Refuse the start while another checked run of this workflow has the same resource id."""
    tags: Mapping[Text, Text] = Field(default_factory=dict, max_length=50)
    """Labels to find the run by."""
    idempotency_key: Key | None = None
    """A second start of this workflow with the same key returns the first run."""
    synchronous: bool = False
    """Run the whole workflow here and now, in this process, without Celery."""
    priority: int = Field(default=5, ge=0, le=9)
    """0 to 9; higher goes first where the broker can tell."""
    started_by: Author = ""
    """Who or what started the run, for the history."""
    run_at: Moment | None = None
    """Not before this time, which has to say its zone; one that is past means at once."""
    context: Any = None
    """The run's custom context, instead of the workflow's."""


class EngineConfig(_Config):
    """How an engine works; the defaults suit one database and a handful of workers."""

    lease: PositiveSeconds = 30.0
    """Seconds a claim is good for without a heartbeat; a dead worker's step waits this long."""
    heartbeat: PositiveSeconds = 8.0
    """Seconds between renewals of the leases a process holds; at most a third of the lease."""
    sweep_interval: PositiveSeconds = 10.0
    """Seconds between two sweeps of one worker."""
    resend_after: PositiveSeconds = 30.0
    """Seconds that ready work waits before the sweep sends its message again."""
    time_budget: PositiveSeconds = 20.0
    """Seconds after which one message's work is handed over by a new message."""
    max_crashes: int = Field(default=3, ge=1)
    """Attempts a step may lose with its worker before it fails with WORKER_LOST."""
    max_messages: int = Field(default=2, ge=1)
    """Messages that one fan-out sends at most. Whoever gets one sends another if it finds more than
    it takes, and works until nothing is ready; more of them wake many workers sooner."""
    max_countdown: Seconds = 60.0
    """Seconds of delay entrusted to the broker at most; longer waits are left to the sweep."""
    max_payload_bytes: int = Field(default=4 * 1024 * 1024, ge=1024)
    """Bytes of JSON in one input, output or state value."""
    default_queue: Queue = "celery"
    """The queue of steps that name none."""
    retention: Retention = Field(default_factory=dict)
    """Days that ended runs are kept, for all or by status; sweeps delete them then, some at a
    time. Runs of a status that has no age here are kept for ever. See `gorkflow.retention`."""

    @model_validator(mode="after")
    def _lease_outlives_heartbeats(self) -> Self:
        if self.lease < 3 * self.heartbeat:
            msg = f"lease ({self.lease} s) must be at least 3 x heartbeat ({self.heartbeat} s)"
            raise ValueError(msg)
        return self
