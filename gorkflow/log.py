"""The names of the log events, and the context that every line of a run carries.

Gorkflow writes through structlog and never configures it: how lines look is the host's choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import structlog

WORKFLOW_CREATED = "workflow_created"
WORKFLOW_STARTED = "workflow_started"
WORKFLOW_PROGRESS = "workflow_progress"
WORKFLOW_COMPLETED = "workflow_completed"
WORKFLOW_FAILED = "workflow_failed"
WORKFLOW_CANCELLED = "workflow_cancelled"
WORKFLOW_RETRIED = "workflow_retried"
STEP_STARTED = "step_started"
STEP_RETRYING = "step_retrying"
STEP_COMPLETED = "step_completed"
STEP_FAILED = "step_failed"
STEP_SKIPPED = "step_skipped"
STEP_RELEASED = "step_released"
STEP_REFUSED = "step_refused"
STEP_UNKNOWN = "step_unknown"
PERSISTENCE_ERROR = "persistence_error"
DISPATCH_FAILED = "dispatch_failed"
SWEEP_FAILED = "sweep_failed"
RUNS_PRUNED = "runs_pruned"
OBSERVER_FAILED = "observer_failed"

log: Any = structlog.get_logger("gorkflow")


@contextmanager
def bound_run(run_id: UUID, workflow_id: str, step_id: str, attempt: int) -> Iterator[None]:
    """Bind the run to every structlog line written inside, the handler's own included."""
    # With the tokens at hand; `bound_contextvars` would look for the values before.
    tokens = structlog.contextvars.bind_contextvars(
        run_id=str(run_id), workflow_id=workflow_id, step_id=step_id, attempt=attempt
    )
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**tokens)


def bind_step(step_id: str, attempt: int) -> None:
    """Bind another step of the run that is bound already, until that ends."""
    structlog.contextvars.bind_contextvars(step_id=step_id, attempt=attempt)
