"""A thread that does what may never end, so that its caller need not wait for ever.

Most transports read and write without a time limit unless the host sets one. The thread stays for
the next message: one for each would cost as much as the message itself.
"""

from __future__ import annotations

import contextvars
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

IDLE_SECONDS = 30.0

Inbox = queue.SimpleQueue[tuple[Callable[[], None], Future[None]]]


class Sender:
    """Does one thing after the other, in a thread that ends when there is nothing to do.

    A forked child has none of its parent's threads and starts its own.
    """

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        """Leave the thread alone with what holds it up, and take another one from now on."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._inbox: Inbox | None = None

    def begin(self, act: Callable[[], None]) -> Future[None]:
        """Have something done in the caller's context; return at once."""
        if self._pid != os.getpid():
            self.start_afresh()
        context = contextvars.copy_context()
        done: Future[None] = Future()
        with self._lock:
            if self._inbox is None:
                self._inbox = queue.SimpleQueue()
                threading.Thread(
                    target=self._work, args=(self._inbox,), name="gorkflow-dispatch", daemon=True
                ).start()
            self._inbox.put((lambda: context.run(act), done))
        return done

    def _work(self, inbox: Inbox) -> None:
        while True:
            try:
                act, done = inbox.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                if self._may_end(inbox):
                    return
                continue
            try:
                act()
            except BaseException as error:  # noqa: BLE001  raised where the result is asked for
                done.set_exception(error)
            else:
                done.set_result(None)
            del act, done

    def _may_end(self, inbox: Inbox) -> bool:
        with self._lock:
            if not inbox.empty():
                return False
            if self._inbox is inbox:
                self._inbox = None
            return True
