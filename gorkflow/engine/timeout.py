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
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import FrameType
from typing import Any

# CPython's own, where it is: what wraps it makes enums of handlers, which takes longer than all the
# rest that is done here.
_signals: Any = sys.modules.get("_signal", signal)


class AttemptTimeout(BaseException):
    """Raised inside a handler whose time is up."""


@dataclass(slots=True)
class TimeLimit:
    """How long one attempt may take, and whether its time is up."""

    seconds: float | None
    is_over: bool = False


def time_limit(limit: TimeLimit, *, in_main: bool) -> AbstractContextManager[None]:
    """Raise AttemptTimeout in the body when the time is up, and set `limit.is_over`.

    Limits may be nested: an attempt may run another one. An alarm that the body sets and leaves
    behind is taken off again.

    Args:
        limit: the time.
        in_main: whether the body runs in the process's main thread.

    """
    is_limited = limit.seconds is not None and not _in_greenlet()
    if in_main and _alarm_is_ours():
        return _Alarm(limit, is_limited=is_limited)
    return _async_limit(limit) if is_limited else nullcontext()


def _in_greenlet() -> bool:
    # An interrupt would hit whichever greenlet happens to run.
    monkey = sys.modules.get("gevent.monkey") or sys.modules.get("eventlet.patcher")
    if monkey is None:
        return False
    if hasattr(monkey, "is_module_patched"):
        return bool(monkey.is_module_patched("threading"))
    return bool(monkey.is_monkey_patched("thread"))


def _alarm_is_ours() -> bool:
    # Somebody else's alarm (a host's own watchdog) is not ours to overwrite.
    return hasattr(signal, "SIGALRM") and signal.getitimer(signal.ITIMER_REAL)[0] == 0


class _Alarm:
    """Rings in the body, if that is limited; leaves neither an alarm nor a handler behind."""

    def __init__(self, limit: TimeLimit, *, is_limited: bool) -> None:
        self._limit = limit
        self._is_limited = is_limited
        self._has_ended = False

    def __enter__(self) -> None:
        if self._is_limited:
            self._previous = _signals.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self._limit.seconds or 0)
        else:
            self._previous = _signals.getsignal(signal.SIGALRM)

    def __exit__(self, *_error: object) -> None:
        self._has_ended = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        # None is a handler that was not set from Python and cannot be.
        if self._previous is not None:
            _signals.signal(signal.SIGALRM, self._previous)

    def _ring(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._has_ended:
            self._limit.is_over = True
            raise AttemptTimeout


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
