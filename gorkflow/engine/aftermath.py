"""What follows a committed finish: the log, the observer, and the messages for what is ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gorkflow.engine.observer import log_run, log_step
from gorkflow.faults import FaultPoint, reach
from gorkflow.log import OBSERVER_FAILED, log
from gorkflow.statuses import StepStatus
from gorkflow.stores.base import Claim, Finish, Finished

if TYPE_CHECKING:
    from gorkflow.engine.engine import Engine


def announce(  # noqa: PLR0913
    engine: Engine,
    claim: Claim,
    finish: Finish,
    finished: Finished,
    *,
    duration_ms: float,
    alone: bool = False,
) -> None:
    """Tell everybody who has to know; call it after the commit, with the run bound to the log.

    `alone` means that the caller does the rest of the run itself: no worker is told of it.
    """
    reach(FaultPoint.AFTER_COMMIT, claim)
    log_step(finish, duration_ms)
    tell(engine.observer.step_ended, claim, finish.status, finish.error)
    hints = list(finished.wake)
    if not alone:
        if finished.ready:
            planner = engine.planners.of_run(claim)
            hints += planner.hints(claim.run_id, finished.ready, claim.priority)
        if finish.status is StepStatus.RETRYING and is_live(finished):
            hints.append(engine.retry_hint(claim, finish.retry_in))
    engine.send(hints)
    if finished.ended_run and finished.run_status is not None:
        status, error = finished.run_status, finish.run_error
        log_run(claim.run_id, claim.workflow_id, status, error)
        tell(engine.observer.run_ended, claim.run_id, claim.workflow_id, status, error)


def tell(listener: Callable[..., None], *what: Any) -> None:
    """Call an observer's method; its errors are its own."""
    try:
        listener(*what)
    except Exception as error:  # noqa: BLE001
        log.warning(OBSERVER_FAILED, error=str(error))


def is_live(finished: Finished) -> bool:
    """Tell whether the finish left its run with something to do."""
    return finished.run_status is not None and not finished.run_status.is_terminal
