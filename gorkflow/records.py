"""What the engine and the stores hand out: frozen records of runs, steps and attempts.

A record is a copy. Changing the database does not change it, and it cannot be changed itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from gorkflow.errors import ErrorCode, PayloadError
from gorkflow.statuses import ActKind, RunStatus, StepStatus

Json = str
"""JSON as text. Payloads stay text between pydantic and the database."""


def storable_text(text: str) -> str:
    """Return the text with NUL characters and lone surrogates spelt out: databases refuse them."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """Why a run, a step or an attempt failed, in a form that can be stored."""

    code: ErrorCode
    message: str
    type: str = ""
    """The exception's class name, with its module."""
    step_id: str = ""
    attempt: int = 0
    errors: Sequence[Mapping[str, Any]] = ()
    """For VALIDATION_ERROR: one mapping per field with `loc`, `msg` and `type`."""
    traceback: str = ""
    """Frames without locals, capped."""
    PUBLIC: ClassVar[tuple[str, ...]] = ("code", "step_id", "attempt")
    """The fields that tell nothing of payloads."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that say something, ready for JSON."""
        return {name: value for name, value in asdict(self).items() if value not in ("", 0, ())}

    def public(self) -> ErrorInfo:
        """Return what may be shown to those who may not see payloads: no text of the handler's."""
        return ErrorInfo(message="", **{name: getattr(self, name) for name in self.PUBLIC})

    def without_traceback(self) -> ErrorInfo:
        """Return the error as a run keeps it: the traceback is with the attempt."""
        return replace(self, traceback="")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ErrorInfo:
        """Rebuild what `to_dict` gave; what only a newer release knows is left out."""
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        code = known["code"]
        code = ErrorCode(code) if code in list(ErrorCode) else ErrorCode.EXECUTION_FAILED
        return cls(**{**known, "code": code})


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt of a step."""

    number: int
    status: StepStatus
    worker: str
    queued_at: datetime | None
    """When it could have begun."""
    started_at: datetime | None
    ended_at: datetime | None
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """What a person or a program did to a run, when and why."""

    run_id: UUID
    at: datetime
    """The store's time."""
    kind: ActKind
    actor: str = ""
    """Who did it; empty where nobody said."""
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What programs may want to know: RETRY has `status` and the public part of the `error` that
    the run had; RERUN has `run_id`, the new run. Nothing of payloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One step of one run. A step that the run has not reached yet is PENDING with attempt 0."""

    run_id: UUID
    step_id: str
    name: str
    map_index: int = 0
    position: int
    """Place in topological order, from 0."""
    status: StepStatus
    parents: tuple[str, ...] = ()
    pending_parents: int = 0
    attempt: int = 0
    """Attempts begun so far."""
    failures: int = 0
    """Ordinary failures since the start or the last manual retry."""
    crashes: int = 0
    """Attempts lost with their worker since then."""
    queue: str = ""
    worker: str = ""
    progress: float = 0.0
    progress_note: str = ""
    ready_at: datetime | None = None
    due_at: datetime | None = None
    """When it may be claimed, or, while RUNNING, when its lease ends."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: ErrorInfo | None = None
    attempts: tuple[AttemptRecord, ...] = ()
    """Filled by `get_steps(..., attempts=True)`; the latest attempt last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run, without its payloads."""

    id: UUID
    workflow_id: str
    workflow_version: str
    fingerprint: str
    """Names the snapshot of the graph that the run follows."""
    status: RunStatus
    priority: int = 5
    resource_id: str = ""
    idempotency_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    started_by: str = ""
    rerun_of: UUID | None = None
    concurrency_checked: bool = False
    """Whether the run holds its resource id against other checked runs while it is active."""
    total_steps: int = 0
    """Steps in the graph."""
    done_steps: int = 0
    """Steps that are COMPLETED or SKIPPED."""
    failed_steps: int = 0
    running_progress: float = 0.0
    """What the running steps report of themselves, added up."""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline_at: datetime | None = None
    error: ErrorInfo | None = None

    @property
    def progress(self) -> float:
        """0.0 to 1.0: the share of steps that are over, running ones by what they report."""
        if self.status is RunStatus.COMPLETED:
            return 1.0
        over = self.done_steps + self.failed_steps + self.running_progress
        return min(1.0, over / self.total_steps) if self.total_steps else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list; every field that is set must match. Newest first.

    Raises:
        PayloadError: a status is unknown, a text can be in no run, a time has no time zone, or the
            limit is below 1.

    """

    workflow_id: str | None = None
    workflow_version: str | None = None
    statuses: Sequence[RunStatus] = ()
    """Any of these; their names as text do too."""
    resource_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    started_by: str | None = None
    created_after: datetime | None = None
    """Inclusive."""
    created_before: datetime | None = None
    """Exclusive."""
    limit: int = 50
    cursor: str | None = None
    """`RunPage.next_cursor` of the page before."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "statuses", _checked_statuses(self.statuses))
        for name in ("workflow_id", "workflow_version", "resource_id", "started_by", "cursor"):
            _check_text(name, getattr(self, name))
        for tag in self.tags.items():
            for part in tag:
                _check_text("tags", part)
        for name in ("created_after", "created_before"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise _bad_filter(name, "must have a time zone")
        if isinstance(self.limit, bool) or not isinstance(self.limit, int) or self.limit < 1:
            raise _bad_filter("limit", f"must be 1 or more, not {self.limit!r:.40}")


def _checked_statuses(statuses: Sequence[str]) -> tuple[RunStatus, ...]:
    if isinstance(statuses, str):
        # A text is a sequence too, of letters.
        statuses = (statuses,)
    for status in statuses:
        if status not in list(RunStatus):
            names = ", ".join(RunStatus)
            raise _bad_filter("statuses", f"{status!r:.40} is none of {names}")
    return tuple(map(RunStatus, statuses))


def _check_text(name: str, text: str | None) -> None:
    if text is not None and (not isinstance(text, str) or storable_text(text) != text):
        raise _bad_filter(name, "must be text without NUL characters and lone surrogates")


def _bad_filter(name: str, why: str) -> PayloadError:
    error = {"loc": [name], "msg": why, "type": "value_error"}
    return PayloadError(f"run filter {name}: {why}", errors=[error])


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of runs; `next_cursor` is None on the last."""

    runs: tuple[RunRecord, ...]
    next_cursor: str | None = None
