"""Keeps this process from forking while one of our threads uses the store.

A child is a copy of the moment. One that was born while another thread was in the middle of a
transaction finds SQLite's lock on the file taken, by a thread that it has not got, for ever; other
drivers and the broker's client have locks and sockets of which the same is true. Celery's prefork
pool forks whenever a child has died, and its parent sweeps; a handler may fork beside a heartbeat.
"""

from __future__ import annotations

import os
import threading

PATIENCE = 10.0
"""Seconds. Whoever takes longer waits for a server, and is not in the middle of anything."""


class ForkGuard:
    """A context manager for threads; a fork waits until none but its own is inside."""

    def __init__(self) -> None:
        self._is_registered = False
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._inside: set[int] = set()

    def __enter__(self) -> None:
        with self._changed:
            if not self._is_registered:
                # Not before it is needed: what was registered last is called first before a fork,
                # and the embedded broker's own lock has to be free until the threads are done.
                self._is_registered = True
                os.register_at_fork(
                    before=self._wait,
                    after_in_parent=self._release,
                    after_in_child=self._reset,
                )
            self._inside.add(threading.get_ident())

    def __exit__(self, *_error: object) -> None:
        with self._changed:
            self._inside.discard(threading.get_ident())
            self._changed.notify_all()

    def _wait(self) -> None:
        self._changed.acquire()  # held until the fork is done: nobody enters
        own = {threading.get_ident()}
        self._changed.wait_for(lambda: self._inside <= own, PATIENCE)

    def _release(self) -> None:
        self._changed.release()


NO_FORK = ForkGuard()
