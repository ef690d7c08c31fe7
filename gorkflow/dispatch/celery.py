"""Hints as Celery messages: sent after commit, carrying ids alone, lost without harm."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from celery import current_app
from celery.app import app_or_default
from django.db import router, transaction

from gorkflow.dispatch.base import Dispatcher, Hint
from gorkflow.dispatch.messages import is_eager, send
from gorkflow.dispatch.redis_channels import mend_redis_channels
from gorkflow.dispatch.sender import Sender
from gorkflow.faults import FaultPoint, reach
from gorkflow.log import DISPATCH_FAILED, log

WORK_TASK = "gorkflow.work"
PATIENCE_SECONDS = 2.0
"""Time for sending a message, for whoever waits for it."""
BACKLOG = 16
"""Whoever sends while more than so many messages wait, waits for all of them."""
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

    A thread does that, so that neither a slow broker nor a silent one holds a web request up. Who
    must not end before the messages are on their way calls `flush`.

    Args:
        using: the alias whose commit a message waits for; None asks the routers.

    """

    def __init__(self, using: str | None = None) -> None:
        self._using = using
        self._paused_until = 0.0
        self._sender = Sender()
        # For short programs: what they have started last is on its way before they are gone.
        atexit.register(self.flush)

    def send(self, hint: Hint) -> None:
        """Publish on commit, or now outside a transaction."""
        using = self._using
        if using is None:
            from gorkflow.models import WorkflowRun  # noqa: PLC0415  models load after settings

            using = router.db_for_write(WorkflowRun)
        transaction.on_commit(lambda: self._take(hint), using=using, robust=True)

    def flush(self) -> None:
        """Wait for the messages that are not sent yet, up to two seconds."""
        self._sender.finish(PATIENCE_SECONDS)

    def _take(self, hint: Hint) -> None:
        if is_eager(app_or_default()):
            # Then the task runs here and now, on this thread's connections.
            self._publish(hint, by=_work_now)
            return
        if self._is_paused() or self._is_stuck(hint):
            return
        self._sender.begin(lambda: self._publish(hint))
        if self._sender.waiting > BACKLOG:
            self.flush()

    def _publish(self, hint: Hint, by: Callable[[Hint], None] | None = None) -> None:
        if self._is_paused():
            return
        try:
            reach(FaultPoint.BEFORE_PUBLISH, hint)
            (by or _publish)(hint)
        except Exception as error:  # noqa: BLE001  brokers raise what their drivers raise
            self._pause(hint, error)

    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def _pause(self, hint: Hint, error: Exception) -> None:
        # Not tried any longer: the sweep will send again.
        self._paused_until = time.monotonic() + PAUSE_SECONDS
        log.warning(DISPATCH_FAILED, run_id=str(hint.run_id), queue=hint.queue, error=str(error))

    def _is_stuck(self, hint: Hint) -> bool:
        """Tell whether the broker has not answered for long; a broken line is given up some day."""
        seconds = self._sender.busy_seconds()
        if seconds < PATIENCE_SECONDS:
            return False
        self._pause(hint, TimeoutError(f"no answer within {PATIENCE_SECONDS:g} s"))
        if seconds >= STUCK_SECONDS:
            self._sender.start_afresh()
        return True


_declared: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
"""The queues that a channel has declared."""


def _arguments(hint: Hint) -> dict[str, str]:
    return {"run_id": str(hint.run_id), "queue": hint.queue}


def _work_now(hint: Hint) -> None:
    current_app.tasks[WORK_TASK].apply_async(kwargs=_arguments(hint))


def _publish(hint: Hint) -> None:
    # Any: kombu's stubs know neither floats nor what a producer in use has.
    task: Any = current_app.tasks[WORK_TASK]
    # `producer_or_acquire` would ask the settings first.
    with task.app.producer_pool.acquire(block=True, timeout=PATIENCE_SECONDS) as producer:
        # Left to itself kombu would try to connect for seconds, whatever the retry policy.
        producer.connection.ensure_connection(
            max_retries=1, interval_start=0, interval_step=0, timeout=PATIENCE_SECONDS
        )
        # Redis serves the lowest number first, everybody else the highest.
        lowest_first = producer.connection.transport.driver_type == "redis"
        if lowest_first:
            mend_redis_channels()
        kwargs = _arguments(hint)
        # What is shown of the arguments: left to itself Celery would take its time to make that.
        options: dict[str, Any] = {"argsrepr": "()", "kwargsrepr": repr(kwargs)}
        if hint.delay:
            options["countdown"] = hint.delay
        if hint.queue in (declared := _declared.setdefault(producer.channel, set())):
            # kombu knows that, too, but makes copies of the queue before it looks.
            options["declare"] = ()
        send(
            task,
            kwargs,
            producer,
            queue=hint.queue,
            priority=HIGHEST - hint.priority if lowest_first else hint.priority,
            retry=True,
            retry_policy=ONCE_MORE,
            **options,
        )
        declared.add(hint.queue)
