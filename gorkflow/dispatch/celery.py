"""Hints as Celery messages: sent after commit, carrying ids alone, lost without harm."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

from celery import current_app
from django.db import router, transaction

from gorkflow.dispatch.base import Dispatcher, Hint
from gorkflow.dispatch.sender import Sender
from gorkflow.faults import FaultPoint, reach
from gorkflow.log import DISPATCH_FAILED, log

WORK_TASK = "gorkflow.work"
PATIENCE_SECONDS = 2.0
"""Time for sending a message; the caller may be a web request."""
HIGHEST = 9
PAUSE_SECONDS = 2.0
"""After a failure nothing is tried for so long: a fan-out would fail message by message."""
STUCK_SECONDS = 30.0
"""For how long one message without an answer keeps others from being tried."""
ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
"""On a new connection, if the one at hand turns out to be dead: idle for too long, or shut by a
pool child, as py-amqp's are in the parent whenever one is forked."""


class CeleryDispatcher(Dispatcher):
    """Publishes to whatever Celery app the host project has.

    Args:
        using: the alias whose commit a message waits for; None asks the routers.

    """

    def __init__(self, using: str | None = None) -> None:
        self._using = using
        self._paused_until = 0.0
        self._sender = Sender()
        self._stuck: Future[None] | None = None
        self._stuck_until = 0.0

    def send(self, hint: Hint) -> None:
        """Publish on commit, or at once outside a transaction."""
        using = self._using
        if using is None:
            from gorkflow.models import WorkflowRun  # noqa: PLC0415  models load after settings

            using = router.db_for_write(WorkflowRun)
        transaction.on_commit(lambda: self._publish(hint), using=using, robust=True)

    def _publish(self, hint: Hint) -> None:
        if time.monotonic() < self._paused_until or self._is_stuck():
            return
        try:
            reach(FaultPoint.BEFORE_PUBLISH, hint)
            self._send(hint)
        except Exception as error:  # noqa: BLE001  brokers raise what their drivers raise
            # Not tried any longer: the sweep will send again.
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            log.warning(
                DISPATCH_FAILED, run_id=str(hint.run_id), queue=hint.queue, error=str(error)
            )

    def _send(self, hint: Hint) -> None:
        if current_app.conf.task_always_eager:
            # Then the task runs here and now, on this thread's connections.
            _publish(hint)
            return
        sending = self._sender.begin(lambda: _publish(hint))
        try:
            sending.result(PATIENCE_SECONDS)
        except TimeoutError:
            if sending.done():
                raise
            self._stuck = sending
            self._stuck_until = time.monotonic() + STUCK_SECONDS
            self._sender.start_afresh()
            raise TimeoutError(f"no answer within {PATIENCE_SECONDS:g} s") from None

    def _is_stuck(self) -> bool:
        """Tell whether the broker has still not answered; a broken line is given up some day."""
        if self._stuck is None or self._stuck.done():
            return False
        return time.monotonic() < self._stuck_until


def _publish(hint: Hint) -> None:
    with current_app.producer_or_acquire() as producer:
        # Left to itself kombu would try to connect for seconds, whatever the retry policy.
        producer.connection.ensure_connection(
            max_retries=1, interval_start=0, interval_step=0, timeout=PATIENCE_SECONDS
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
            retry=True,
            retry_policy=ONCE_MORE,
            producer=producer,
        )
