"""Who is told when a transition has been committed: the log always, and one more listener."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from gorkflow.errors import ErrorCode
from gorkflow.log import (
    STEP_COMPLETED,
    STEP_FAILED,
    STEP_RELEASED,
    STEP_RETRYING,
    STEP_SKIPPED,
    WORKFLOW_CANCELLED,
    WORKFLOW_COMPLETED,
    WORKFLOW_FAILED,
    log,
)
from gorkflow.records import ErrorInfo
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import Claim, Finish

_STEP_EVENTS = {
    StepStatus.COMPLETED: STEP_COMPLETED,
    StepStatus.FAILED: STEP_FAILED,
    StepStatus.SKIPPED: STEP_SKIPPED,
    StepStatus.RETRYING: STEP_RETRYING,
    StepStatus.PENDING: STEP_RELEASED,
}
_RUN_EVENTS = {
    RunStatus.COMPLETED: WORKFLOW_COMPLETED,
    RunStatus.FAILED: WORKFLOW_FAILED,
    RunStatus.CANCELLED: WORKFLOW_CANCELLED,
}


class Observer(Protocol):
    """Is called after the commit; what it raises is logged by its implementer, not by us."""

    def run_created(self, run_id: UUID, workflow_id: str) -> None:
        """A run was stored."""

    def run_started(self, run_id: UUID, workflow_id: str) -> None:
        """A worker claimed the run's first step."""

    def step_ended(self, claim: Claim, status: StepStatus, error: ErrorInfo | None) -> None:
        """An attempt ended; RETRYING means that another follows."""

    def run_ended(
        self, run_id: UUID, workflow_id: str, status: RunStatus, error: ErrorInfo | None
    ) -> None:
        """A run reached a terminal status."""


class NullObserver:
    """Listens to nothing."""

    def run_created(self, run_id: UUID, workflow_id: str) -> None:
        """Do nothing."""

    def run_started(self, run_id: UUID, workflow_id: str) -> None:
        """Do nothing."""

    def step_ended(self, claim: Claim, status: StepStatus, error: ErrorInfo | None) -> None:
        """Do nothing."""

    def run_ended(
        self, run_id: UUID, workflow_id: str, status: RunStatus, error: ErrorInfo | None
    ) -> None:
        """Do nothing."""


def log_step(finish: Finish, duration_ms: float) -> None:
    """Write the log line of a step's end; run, step and attempt are bound already."""
    event = _STEP_EVENTS[finish.status]
    # Cut, not rounded: that takes as long as all the rest here.
    data: dict[str, Any] = {"duration_ms": int(duration_ms * 10) / 10}
    if finish.error is not None:
        data.update(code=str(finish.error.code), error=finish.error.message)
    if finish.status is StepStatus.RETRYING:
        data["retry_in"] = round(finish.retry_in, 3)
    level = log.warning if finish.error is not None else log.info
    level(event, **data)


def log_run(run_id: UUID, workflow_id: str, status: RunStatus, error: ErrorInfo | None) -> None:
    """Write the log line of a run's end."""
    data: dict[str, Any] = {"run_id": str(run_id), "workflow_id": workflow_id}
    if error is not None and error.code is not ErrorCode.CANCELLED:
        data.update(code=str(error.code), error=error.message, failed_step=error.step_id)
    level = log.warning if status is RunStatus.FAILED else log.info
    level(_RUN_EVENTS[status], **data)
