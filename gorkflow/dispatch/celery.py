"""Hints as Celery messages: sent after commit, carrying ids alone, lost without harm."""

from __future__ import annotations

from celery import current_app
from django.db import router, transaction

from gorkflow.dispatch.base import Dispatcher, Hint
from gorkflow.log import DISPATCH_FAILED, log

WORK_TASK = "gorkflow.work"


class CeleryDispatcher(Dispatcher):
    """Publishes to whatever Celery app the host project has.

    Args:
        using: the alias whose commit a message waits for; None asks the routers.

    """

    def __init__(self, using: str | None = None) -> None:
        self._using = using

    def send(self, hint: Hint) -> None:
        """Publish on commit, or at once outside a transaction."""
        using = self._using
        if using is None:
            from gorkflow.models import WorkflowRun  # noqa: PLC0415  models load after settings

            using = router.db_for_write(WorkflowRun)
        transaction.on_commit(lambda: _publish(hint), using=using, robust=True)


def _publish(hint: Hint) -> None:
    try:
        current_app.tasks[WORK_TASK].apply_async(
            kwargs={"run_id": str(hint.run_id), "queue": hint.queue},
            queue=hint.queue,
            priority=hint.priority,
            countdown=hint.delay or None,
            ignore_result=True,
            # One try: the caller is a web request or a worker, and the sweep will send again.
            retry=False,
        )
    except Exception as error:  # noqa: BLE001  brokers raise what their drivers raise
        log.warning(DISPATCH_FAILED, run_id=str(hint.run_id), queue=hint.queue, error=str(error))
