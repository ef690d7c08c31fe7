"""Hints as Celery messages: sent after commit, carrying ids alone, lost without harm."""

from __future__ import annotations

import time
from typing import Any

from celery import current_app
from django.db import router, transaction

from gorkflow.dispatch.base import Dispatcher, Hint
from gorkflow.faults import FaultPoint, reach
from gorkflow.log import DISPATCH_FAILED, log

WORK_TASK = "gorkflow.work"
CONNECT_SECONDS = 2.0
"""Time for connecting to the broker; the caller may be a web request."""
HIGHEST = 9
PAUSE_SECONDS = 2.0
"""After a failure nothing is tried for so long: a fan-out would fail message by message."""


class CeleryDispatcher(Dispatcher):
    """Publishes to whatever Celery app the host project has.

    Args:
        using: the alias whose commit a message waits for; None asks the routers.

    """

    def __init__(self, using: str | None = None) -> None:
        self._using = using
        self._paused_until = 0.0

    def send(self, hint: Hint) -> None:
        """Publish on commit, or at once outside a transaction."""
        using = self._using
        if using is None:
            from gorkflow.models import WorkflowRun  # noqa: PLC0415  models load after settings

            using = router.db_for_write(WorkflowRun)
        transaction.on_commit(lambda: self._publish(hint), using=using, robust=True)

    def _publish(self, hint: Hint) -> None:
        if time.monotonic() < self._paused_until:
            return
        try:
            reach(FaultPoint.BEFORE_PUBLISH, hint)
            _publish(hint)
        except Exception as error:  # noqa: BLE001  brokers raise what their drivers raise
            # One try: the sweep will send again.
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            log.warning(
                DISPATCH_FAILED, run_id=str(hint.run_id), queue=hint.queue, error=str(error)
            )


def _publish(hint: Hint) -> None:
    with current_app.producer_or_acquire() as producer:
        # Left to itself kombu would try to connect for seconds, `retry=False` or not.
        producer.connection.ensure_connection(
            max_retries=1, interval_start=0, interval_step=0, timeout=CONNECT_SECONDS
        )
        # Redis serves the lowest number first, everybody else the highest.
        lowest_first = producer.connection.transport.driver_type == "redis"
        delayed: dict[str, Any] = {"countdown": hint.delay} if hint.delay else {}
        current_app.tasks[WORK_TASK].apply_async(
            kwargs={"run_id": str(hint.run_id), "queue": hint.queue},
            queue=hint.queue,
            priority=HIGHEST - hint.priority if lowest_first else hint.priority,
            **delayed,
            ignore_result=True,
            retry=False,
            producer=producer,
        )
