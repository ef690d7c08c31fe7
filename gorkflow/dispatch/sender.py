"""A thread that does one thing after the other, so that nobody has to wait for a broker.

Most transports read and write without a time limit unless the host sets one. The thread stays for
the next message: one for each would cost as much as the message itself.
"""

from __future__ import annotations

import contextvars
import os
import queue
import threading
import time
from collections.abc import Callable

from gorkflow.forks import NO_FORK
from gorkflow.log import DISPATCH_FAILED, log

IDLE_SECONDS = 30.0

Inbox = queue.SimpleQueue[tuple[contextvars.Context, Callable[[], None]]]


class Sender:
    """Does what it is given in a thread of its own, which ends when there is nothing to do.

    A forked child has none of its parent's threads and starts its own.
    """

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        """Leave the thread alone with what holds it up, and take another one from now on."""
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._inbox: Inbox | None = None
        self._since: float | None = None
        self._given = self._done = 0

    def begin(self, act: Callable[[], None]) -> None:
        """Have something done in the caller's context; return at once."""
        if self._pid != os.getpid():
            self.start_afresh()
        with self._lock:
            if self._inbox is None:
                self._inbox = queue.SimpleQueue()
                threading.Thread(
                    target=self._work, args=(self._inbox,), name="gorkflow-dispatch", daemon=True
                ).start()
            self._given += 1
            self._inbox.put((contextvars.copy_context(), act))

    @property
    def waiting(self) -> int:
        """How much it has been given that it has not begun."""
        inbox = self._inbox
        return 0 if inbox is None else inbox.qsize()

    def busy_seconds(self) -> float:
        """Return for how long it has been at what it is doing now; 0.0 if it does nothing."""
        since = self._since
        return 0.0 if since is None or self._pid != os.getpid() else time.monotonic() - since

    def finish(self, seconds: float) -> bool:
        """Wait until all that it has been given is done; False if it takes longer than that."""
        if self._done == self._given or self._pid != os.getpid():
            return True
        done = threading.Event()
        self.begin(done.set)
        return done.wait(seconds)

    def _work(self, inbox: Inbox) -> None:
        while True:
            try:
                context, act = inbox.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                if self._may_end(inbox):
                    return
                continue
            self._note(inbox, time.monotonic())
            try:
                # A child born now would have the broker's client in the middle of a message.
                with NO_FORK:
                    context.run(act)
            except BaseException as error:  # noqa: BLE001  the next ones want to be done, too
                log.error(DISPATCH_FAILED, error=str(error), exc_info=error)
            self._note(inbox, None)
            del context, act

    def _note(self, inbox: Inbox, since: float | None) -> None:
        """Note since when it is at something, or that it is done."""
        if self._inbox is inbox:
            self._since = since
            self._done += since is None

    def _may_end(self, inbox: Inbox) -> bool:
        with self._lock:
            if not inbox.empty():
                return False
            if self._inbox is inbox:
                self._inbox = None
            return True
