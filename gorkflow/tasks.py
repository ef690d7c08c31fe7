"""The Celery tasks: a few lines each, found by Celery's autodiscovery."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from uuid import UUID

from celery import shared_task

from gorkflow.celery_worker import ending_gently, is_stopping, may_keep_connections
from gorkflow.dispatch.base import Hint
from gorkflow.dispatch.celery import WORK_TASK
from gorkflow.engine import Engine
from gorkflow.errors import NotFoundError
from gorkflow.faults import FaultPoint, reach
from gorkflow.statuses import TERMINAL_RUNS
from gorkflow.wiring import get_engine

_handed_over: set[str] = set()
"""The runs whose messages this process has sent on in its shutdown."""


def _hands_over(engine: Engine, run_id: str, queue: str | None) -> bool:
    """Send on a message that was fetched before the worker was told to stop, or just after.

    Its step would hold the shutdown up. Once for a run: where nobody else is there, it comes back.
    """
    if queue is None or run_id in _handed_over or not is_stopping():
        return False
    _handed_over.add(run_id)
    with suppress(NotFoundError):
        priority = engine.get_run(run_id).priority
        engine.send([Hint(run_id=UUID(run_id), queue=queue, priority=priority)])
    return True


@shared_task(
    name=WORK_TASK,
    ignore_result=True,
    serializer="json",
    # A message that dies with its worker comes back at once where the broker can tell; if it is
    # redelivered for nothing, the claim finds nothing to do.
    acks_late=True,
    reject_on_worker_lost=True,
)
def work(run_id: str, queue: str | None = None) -> None:
    """Work on a run until nothing of it is ready on the queue."""
    engine = get_engine()
    try:
        if _hands_over(engine, run_id, queue):
            return
        with (
            ending_gently(),
            engine.store.keeping_connection() if may_keep_connections() else nullcontext(),
        ):
            engine.work(UUID(run_id), queue=queue, stopping=is_stopping)
    finally:
        # This message is there until it is acknowledged; so are those that follow from it, then.
        engine.dispatcher.flush()
    reach(FaultPoint.BEFORE_ACK, run_id=run_id)


@shared_task(name="gorkflow.sweep", ignore_result=True)
def sweep() -> None:
    """Send again what was lost. For Celery beat, where workers do not sweep themselves."""
    get_engine().sweep()


@shared_task(name="gorkflow.prune", ignore_result=True)
def prune(older_than_days: float | None = None, statuses: list[str] | None = None) -> None:
    """Delete runs that ended over so many days ago, or by the retention. For Celery beat.

    What is left when the worker shuts down is left for the next time.
    """
    get_engine().prune(
        older_than=None if older_than_days is None else float(older_than_days) * 86_400,
        statuses=TERMINAL_RUNS if statuses is None else statuses,
        stopping=is_stopping,
    )
