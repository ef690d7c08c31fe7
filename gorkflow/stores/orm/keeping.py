"""Keeps a thread's database connection from one message to the next.

Celery closes every connection before and after each task, whatever CONN_MAX_AGE says, and to
connect anew costs more than the steps of a short run. So between two messages the connection is
put where Celery does not find it. After a pause it is asked for a sign of life before it is used.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

TRUSTED_SECONDS = 1.0
"""For how long a connection is taken to live; the question is a round trip of its own."""


class _Kept(threading.local):
    """Django's connection wrappers of this thread, by process and alias, and since when.

    What a forked child inherits is its parent's: it must not even be closed here.
    """

    def __init__(self) -> None:
        self.wrappers: dict[tuple[int, str], tuple[Any, float]] = {}


_kept = _Kept()


@contextmanager
def kept_connection(using: str) -> Iterator[None]:
    """Use the kept connection of the alias, if there is one, and keep it afterwards."""
    # Those that are there: asking for one by its name would make it, for nothing.
    there = connections.all(initialized_only=True)
    if any(each.alias == using and _is_open(each) for each in there):
        # Somebody's own, in the midst of their work: not ours to take away afterwards.
        yield
        return
    key = (os.getpid(), using)
    wrapper, since = _kept.wrappers.pop(key, (None, 0.0))
    if wrapper is not None:
        wrapper.health_check_enabled = True
        wrapper.health_check_done = time.monotonic() - since < TRUSTED_SECONDS
        connections[using] = wrapper
    try:
        yield
    finally:
        wrapper = connections[using]
        if _is_open(wrapper) and not wrapper.in_atomic_block and not wrapper.errors_occurred:
            _kept.wrappers[key] = (wrapper, time.monotonic())
            del connections[using]


def close_kept(using: str) -> None:
    """Close what this thread keeps for the alias; for a thread that ends."""
    wrapper, _ = _kept.wrappers.pop((os.getpid(), using), (None, 0.0))
    if wrapper is not None:
        wrapper.close()


def _is_open(wrapper: Any) -> bool:
    return wrapper.connection is not None
