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
from contextlib import contextmanager
from types import FrameType


class AttemptTimeout(BaseException):
    """Raised inside a handler whose time is up."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise AttemptTimeout in the body after `seconds`; None for no limit."""
    if seconds is None or _in_greenlet():
        yield
    elif _alarm_is_free():
        with _alarm_limit(seconds):
            yield
    else:
        with _async_limit(seconds):
            yield


def _in_greenlet() -> bool:
    # An interrupt would hit whichever greenlet happens to run.
    monkey = sys.modules.get("gevent.monkey") or sys.modules.get("eventlet.patcher")
    if monkey is None:
        return False
    if hasattr(monkey, "is_module_patched"):
        return bool(monkey.is_module_patched("threading"))
    return bool(monkey.is_monkey_patched("thread"))


def _alarm_is_free() -> bool:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        return False
    # Somebody else's alarm (a host's own watchdog) is not ours to overwrite.
    return signal.getitimer(signal.ITIMER_REAL)[0] == 0


@contextmanager
def _alarm_limit(seconds: float) -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise AttemptTimeout

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextmanager
def _async_limit(seconds: float) -> Iterator[None]:
    thread_id = threading.get_ident()
    over = False
    lock = threading.Lock()

    def ring() -> None:
        # Under the lock, so that the exception cannot be set once the body has been left.
        with lock:
            if not over:
                _raise_in(thread_id, AttemptTimeout)

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over = True
            timer.cancel()
            # Set but not delivered yet? Then it would hit the engine instead of the handler.
            _raise_in(thread_id, None)


def _raise_in(thread_id: int, exception: type[BaseException] | None) -> None:
    target = ctypes.py_object(exception) if exception else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), target)
