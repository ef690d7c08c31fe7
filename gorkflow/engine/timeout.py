"""Ends an attempt that takes too long, by the means that its thread allows.

In a process's main thread (Celery's prefork and solo pools) SIGALRM interrupts even a blocking
system call. In other threads an exception is raised asynchronously, which Python delivers between
two bytecodes: a blocking call is not interrupted, and then the lease ends the attempt instead.
Greenlets (gevent, eventlet) share one thread and cannot be interrupted at all.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import FrameType


class AttemptTimeout(BaseException):
    """Raised inside a handler whose time is up."""


@dataclass(slots=True)
class TimeLimit:
    """How long one attempt may take, and whether its time is up."""

    seconds: float | None
    is_over: bool = False


@contextmanager
def time_limit(limit: TimeLimit) -> Iterator[None]:
    """Raise AttemptTimeout in the body when the time is up, and set `limit.is_over`.

    Limits may be nested: an attempt may run another one. An alarm that the body sets and leaves
    behind is taken off again.
    """
    is_limited = limit.seconds is not None and not _in_greenlet()
    if not _alarm_is_ours():
        with _async_limit(limit) if is_limited else nullcontext():
            yield
        return
    previous = signal.getsignal(signal.SIGALRM)
    try:
        with _alarm_limit(limit) if is_limited else nullcontext():
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # None is a handler that was not set from Python and cannot be.
        if previous is not None and signal.getsignal(signal.SIGALRM) is not previous:
            signal.signal(signal.SIGALRM, previous)


def _in_greenlet() -> bool:
    # An interrupt would hit whichever greenlet happens to run.
    monkey = sys.modules.get("gevent.monkey") or sys.modules.get("eventlet.patcher")
    if monkey is None:
        return False
    if hasattr(monkey, "is_module_patched"):
        return bool(monkey.is_module_patched("threading"))
    return bool(monkey.is_monkey_patched("thread"))


def _alarm_is_ours() -> bool:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        return False
    # Somebody else's alarm (a host's own watchdog) is not ours to overwrite.
    return signal.getitimer(signal.ITIMER_REAL)[0] == 0


@contextmanager
def _alarm_limit(limit: TimeLimit) -> Iterator[None]:
    has_ended = False

    def ring(_signal: int, _frame: FrameType | None) -> None:
        if not has_ended:
            limit.is_over = True
            raise AttemptTimeout

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit.seconds or 0)
    try:
        yield
    finally:
        has_ended = True


@contextmanager
def _async_limit(limit: TimeLimit) -> Iterator[None]:
    thread_id = threading.get_ident()
    has_ended = False
    lock = threading.Lock()

    def ring() -> None:
        # Under the lock, so that the exception cannot be set once the body has been left.
        with lock:
            if not has_ended:
                limit.is_over = True
                _raise_in(thread_id, AttemptTimeout)

    timer = threading.Timer(limit.seconds or 0, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            has_ended = True
            timer.cancel()
            # Set but not delivered yet? Then it would hit the engine instead of the handler.
            _raise_in(thread_id, None)


def _raise_in(thread_id: int, exception: type[BaseException] | None) -> None:
    target = ctypes.py_object(exception) if exception else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), target)
