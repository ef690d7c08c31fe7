"""Keeps this process from forking while one of our threads uses the store.

A child is a copy of the moment. One that was born while another thread was in the middle of a
transaction finds SQLite's lock on the file taken, by a thread that it has not got, for ever; other
drivers and the broker's client have locks and sockets of which the same is true. Celery's prefork
pool forks whenever a child has died, and its parent sweeps; a handler may fork beside a heartbeat.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import NamedTuple

PATIENCE = 10.0
"""Seconds. Whoever takes longer waits for a server, and is not in the middle of anything."""


class _Around(NamedTuple):
    """What is done around a fork."""

    before: Callable[[], object]
    in_parent: Callable[[], object]
    in_child: Callable[[], object]


class ForkGuard:
    """A context manager for threads; a fork waits until none but its own is inside."""

    def __init__(self) -> None:
        self._is_registered = False
        self._brought: list[_Around] = []
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._inside: set[int] = set()

    def bring(
        self,
        before: Callable[[], object],
        in_parent: Callable[[], object],
        in_child: Callable[[], object],
    ) -> None:
        """Have something done around each fork, once no thread is inside.

        A lock that threads take inside has to be free until they are done; of hooks that are
        registered with Python itself, whichever came last would be called first.
        """
        with self._changed:
            self._register()
            self._brought.append(_Around(before, in_parent, in_child))

    def __enter__(self) -> None:
        with self._changed:
            self._register()
            self._inside.add(threading.get_ident())

    def __exit__(self, *_error: object) -> None:
        with self._changed:
            self._inside.discard(threading.get_ident())
            self._changed.notify_all()

    def _register(self) -> None:
        if not self._is_registered:
            self._is_registered = True
            os.register_at_fork(
                before=self._before,
                after_in_parent=self._in_parent,
                after_in_child=self._in_child,
            )

    def _before(self) -> None:
        self._changed.acquire()  # held until the fork is done: nobody enters
        own = {threading.get_ident()}
        self._changed.wait_for(lambda: self._inside <= own, PATIENCE)
        for each in self._brought:
            each.before()

    def _in_parent(self) -> None:
        for each in self._brought:
            each.in_parent()
        self._changed.release()

    def _in_child(self) -> None:
        for each in self._brought:
            each.in_child()
        self._reset()


NO_FORK = ForkGuard()
