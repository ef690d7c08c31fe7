"""What a Celery worker does besides tasks: it sweeps, and it tells its children to hand over."""

from __future__ import annotations

from multiprocessing.sharedctypes import RawValue
from typing import Any

from celery.signals import (
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from celery.worker import state

from gorkflow.dispatch.redis_channels import mend_redis_channels
from gorkflow.engine.recovery import Sweeper
from gorkflow.settings import get_settings
from gorkflow.wiring import get_engine

LASTING_THREADS = ("celery.concurrency.solo", "celery.concurrency.thread")
"""Pools whose tasks run in threads of this process that are there for the next task, too."""


class _Worker:
    """The state of this worker's main process that its forked children share or inherit."""

    stopping: Any = None
    sweeper: Sweeper | None = None
    keeps_connections = False


def is_stopping() -> bool:
    """Tell a task whether its worker is shutting down warmly.

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


@worker_shutting_down.connect(weak=False)
def _tell_children(**_kwargs: Any) -> None:
    if _Worker.stopping is not None:
        _Worker.stopping.value = 1


@worker_shutdown.connect(weak=False)
def _stop_sweeping(**_kwargs: Any) -> None:
    if _Worker.sweeper is not None:
        _Worker.sweeper.stop()
        _Worker.sweeper = None
