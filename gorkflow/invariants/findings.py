"""The words of the checker: what must hold, and a place where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class Invariant(StrEnum):
    """What must hold, by a code that does not change from release to release."""

    GRAPH = "GRAPH"
    """A run follows a stored graph that can be read, and counts its steps."""
    RUN_TIMES = "RUN_TIMES"
    """A run has an end if and only if it has ended, and a deadline only until then."""
    RUN_KEY = "RUN_KEY"
    """A run holds its concurrency key if and only if it is active."""
    RUN_ERROR = "RUN_ERROR"
    """A failed run says why; a completed or active one has no error."""
    OPEN_SINKS = "OPEN_SINKS"
    """An active run counts its sinks that are not over; a completed one has none left."""
    LIVE_STEP_IN_ENDED_RUN = "LIVE_STEP_IN_ENDED_RUN"
    """No step of an ended run waits; one runs only beside the step that failed its run."""
    STUCK_RUN = "STUCK_RUN"
    """An active run has a step that waits for a worker, for its time, or that runs."""
    STEP_LIMIT = "STEP_LIMIT"
    """No more steps of a run run at once than its limit says."""
    RUN_LIMIT = "RUN_LIMIT"
    """No more runs of a workflow run at once than its limit says."""
    UNKNOWN_STEP = "UNKNOWN_STEP"
    """Every step row is of a step in the run's graph."""
    MISSING_STEP = "MISSING_STEP"
    """In an active run every step whose parents are over has a row."""
    EARLY_STEP = "EARLY_STEP"
    """No step begins before its parents are over."""
    PENDING_COUNT = "PENDING_COUNT"
    """A waiting step of an active run counts its parents that are not over."""
    DUE_TIME = "DUE_TIME"
    """A step has a due time if and only if it runs, retries, or waits for no parent."""
    LEASE = "LEASE"
    """A step holds a lease with a token while it runs, and no lease otherwise."""
    ATTEMPTS = "ATTEMPTS"
    """Attempts are numbered without gaps, and every step that began has one."""
    OUTPUT = "OUTPUT"
    """Outputs are of the types that the registered workflow says."""
    ORPHAN = "ORPHAN"
    """Every step, attempt and state value belongs to a run that exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A place where an invariant does not hold."""

    invariant: Invariant
    message: str
    run_id: UUID | None = None
    step_id: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What was found and what was expected; plain values."""
    fixable: bool = False
    """Whether there is only one way to make it right, so that `--fix` takes it."""
    fixed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {
            "code": self.invariant.value,
            "run_id": None if self.run_id is None else str(self.run_id),
            "step_id": self.step_id,
            "message": self.message,
            "data": dict(self.data),
            "fixable": self.fixable,
            "fixed": self.fixed,
        }
