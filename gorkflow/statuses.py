"""The states of a run and of a step, and which of them are ends.

The words are stored in the database, shown by the admin and spoken by the API, so they are
written down once, here.
"""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run stands.

    PENDING    stored; no worker has begun it yet (or it waits for its workflow's run limit)
    RUNNING    at least one step has been claimed
    COMPLETED  every sink step is done
    FAILED     a step failed for good, or the run's own timeout passed
    CANCELLED  somebody cancelled it
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing happens to the run any more unless somebody retries it."""
        return self in TERMINAL_RUNS


class StepStatus(StrEnum):
    """Where one step of a run stands.

    PENDING    waits for its parents, for a worker, or was never reached
    RUNNING    a worker holds its lease
    COMPLETED  its output is committed
    FAILED     its last allowed attempt failed
    SKIPPED    its condition was false
    RETRYING   an attempt failed; the next one is due later
    CANCELLED  the run ended before the step did
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    RETRYING = "RETRYING"
    CANCELLED = "CANCELLED"

    @property
    def is_terminal(self) -> bool:
        """Whether the step is over unless the run is retried."""
        return self not in LIVE_STEPS


class ActKind(StrEnum):
    """What a person or a program did to a run; each leaves an event that stays with it.

    CANCEL  ended it early
    RETRY   made it go on from the steps that were not done
    RERUN   started another run with its input
    """

    CANCEL = "CANCEL"
    RETRY = "RETRY"
    RERUN = "RERUN"


class EventKind(StrEnum):
    """What a run's history is made of. A step ends once for each attempt."""

    RUN_CREATED = "RUN_CREATED"
    RUN_STARTED = "RUN_STARTED"
    RUN_COMPLETED = "RUN_COMPLETED"
    RUN_FAILED = "RUN_FAILED"
    RUN_CANCELLED = "RUN_CANCELLED"
    RUN_RETRIED = "RUN_RETRIED"
    RUN_RERUN = "RUN_RERUN"
    STEP_STARTED = "STEP_STARTED"
    STEP_COMPLETED = "STEP_COMPLETED"
    STEP_FAILED = "STEP_FAILED"
    STEP_SKIPPED = "STEP_SKIPPED"
    STEP_CANCELLED = "STEP_CANCELLED"


ACTIVE_RUNS = (RunStatus.PENDING, RunStatus.RUNNING)
"""Runs that still have something to do."""

TERMINAL_RUNS = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
"""Runs that have ended."""

RETRYABLE_RUNS = (RunStatus.FAILED, RunStatus.CANCELLED)
"""Ended runs that `retry` continues."""

CLAIMABLE_STEPS = (StepStatus.PENDING, StepStatus.RETRYING)
"""Steps that a worker may claim once they are due."""

LIVE_STEPS = (StepStatus.PENDING, StepStatus.RUNNING, StepStatus.RETRYING)
"""Steps that are not over."""

DONE_STEPS = (StepStatus.COMPLETED, StepStatus.SKIPPED)
"""Steps that let their successors go on and that `retry` keeps."""
