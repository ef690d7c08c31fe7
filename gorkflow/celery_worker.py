"""What a Celery worker does besides tasks: it sweeps, and it tells its children to hand over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import RawValue
from types import FrameType
from typing import Any

from billiard.common import TERM_SIGNAL
from celery.signals import (
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker import state

from gorkflow.dispatch.redis_channels import mend_redis_channels
from gorkflow.engine.failures import ToldToEnd
from gorkflow.engine.recovery import Sweeper
from gorkflow.settings import get_settings
from gorkflow.wiring import get_engine

LASTING_THREADS = ("celery.concurrency.solo", "celery.concurrency.thread")
"""Pools whose tasks run in threads of this process that are there for the next task, too."""


NEWS_SECONDS = 0.3
"""A signal to the whole group may reach a child before its parent has said what it is about."""


class _Worker:
    """The state of this worker's main process that its forked children share or inherit."""

    pid = 0
    stopping: Any = None
    sweeper: Sweeper | None = None
    keeps_connections = False


def is_stopping() -> bool:
    """Tell a task whether its worker is shutting down.

    A prefork child learns it from memory shared with its parent; in the other pools the task runs
    in the process that Celery itself tells.
    """
    if _Worker.stopping is not None and _Worker.stopping.value:
        return True
    return state.should_stop is not None or state.should_terminate is not None


def may_keep_connections() -> bool:
    """Tell a task whether its thread is there for the next task, too: a greenlet is not."""
    return _Worker.keeps_connections


@worker_init.connect(weak=False)
def _prepare(**_kwargs: Any) -> None:
    # Before the pool forks, so that the children share it. No lock: one byte, one writer.
    _Worker.stopping = RawValue("b", 0)
    _Worker.pid = os.getpid()
    mend_redis_channels()


@worker_process_init.connect(weak=False)
def _begin_child(**_kwargs: Any) -> None:
    _Worker.keeps_connections = True


@worker_ready.connect(weak=False)
def _know_pool(sender: Any, **_kwargs: Any) -> None:
    _Worker.keeps_connections = type(sender.pool).__module__ in LASTING_THREADS


@worker_ready.connect(weak=False)
def _start_sweeping(**_kwargs: Any) -> None:
    if get_settings().sweep_in_workers:
        _Worker.sweeper = Sweeper(get_engine())
        _Worker.sweeper.start()


@worker_ready.connect(weak=False)
def _watch_signals(**_kwargs: Any) -> None:
    # Celery tells of a cold or soft shutdown when it has ended its children, or waited for them.
    for each in (signal.SIGTERM, signal.SIGQUIT):
        _tell_before(each)


def _tell_before(number: int) -> None:
    then = signal.getsignal(number)
    if not callable(then):
        return

    def tell(number: int, frame: FrameType | None) -> None:
        _tell_children()
        try:
            then(number, frame)
        except NotImplementedError as error:
            # The solo pool cannot cancel a task: it runs in this very thread, below this frame.
            raise ToldToEnd(1) from error

    signal.signal(number, tell)


@contextmanager
def ending_gently() -> Iterator[None]:
    """Let a pool's child that is told to end give its step back; elsewhere it does nothing.

    That is what happens in a cold shutdown, or when a signal reaches the whole group. A child that
    is ended alone (a revoked task, a hard time limit) ends as ever, and its attempt counts.
    """
    if os.getpid() == _Worker.pid or _Worker.stopping is None:
        yield
        return
    then = signal.getsignal(TERM_SIGNAL)

    def end(number: int, frame: FrameType | None) -> None:
        until = time.monotonic() + NEWS_SECONDS
        while not is_stopping() and time.monotonic() < until:
            time.sleep(0.01)
        if is_stopping():
            # Once is enough: the next one would interrupt the giving back.
            signal.signal(number, signal.SIG_IGN)
            raise ToldToEnd(1)
        if callable(then):
            then(number, frame)

    signal.signal(TERM_SIGNAL, end)
    try:
        yield
    finally:
        if signal.getsignal(TERM_SIGNAL) is end:
            signal.signal(TERM_SIGNAL, then)


@worker_shutting_down.connect(weak=False)
def _tell_children(**_kwargs: Any) -> None:
    if _Worker.stopping is not None:
        _Worker.stopping.value = 1


@worker_shutdown.connect(weak=False)
def _stop_sweeping(**_kwargs: Any) -> None:
    if _Worker.sweeper is not None:
        _Worker.sweeper.stop()
        _Worker.sweeper = None
