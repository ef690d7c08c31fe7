"""What the engine and the stores hand out: frozen records of runs, steps and attempts.

A record is a copy. Changing the database does not change it, and it cannot be changed itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from gorkflow.errors import ErrorCode
from gorkflow.statuses import ActKind, EventKind, RunStatus, StepStatus

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
    """What programs may want to know: RETRY has `status`, `ended_at` and the public part of the
    `error` that the run had; RERUN has `run_id`, the new run. Nothing of payloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEvent:
    """Something that happened to a run or to one of its steps."""

    at: datetime
    """The store's time."""
    kind: EventKind
    step_id: str = ""
    """Empty where it is about the run as a whole."""
    attempt: int = 0
    actor: str = ""
    """Who started the run or did something to it, or which worker had the step."""
    reason: str = ""
    error: ErrorInfo | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    """As in EventRecord."""

    @property
    def id(self) -> str:
        """A name for the event that is the same whenever the history is read."""
        parts = [self.at.isoformat(), self.kind, self.step_id, str(self.attempt), self.actor]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


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
    """What the handler reports or, while the step waits, why a worker left it alone."""
    ready_at: datetime | None = None
    """Since when it could run; None before that, and while its run is put off."""
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
    run_at: datetime | None = None
    """When it is to begin, if it was put off; None from then on."""
    error: ErrorInfo | None = None

    @property
    def progress(self) -> float:
        """0.0 to 1.0: the share of steps that are over, running ones by what they report."""
        if self.status is RunStatus.COMPLETED:
            return 1.0
        over = self.done_steps + self.failed_steps + self.running_progress
        return min(1.0, over / self.total_steps) if self.total_steps else 0.0
