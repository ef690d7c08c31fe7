"""Keeps the leases of this process alive, from a thread with its own store connection."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from uuid import UUID

from gorkflow.faults import FaultPoint, reach
from gorkflow.forks import NO_FORK
from gorkflow.log import PERSISTENCE_ERROR, log
from gorkflow.records import storable_text
from gorkflow.stores.base import Lease, WorkflowStore

IDLE_SECONDS = 30.0
PROGRESS_SECONDS = 0.5
MAX_NOTE = 200


class Beat:
    """One held lease, shared between the handler's thread and the heartbeat.

    There is one for each step: it has no lock, as each of its changes is a single operation.
    """

    def __init__(
        self, lease: Lease, seconds: float | None = None, *, run_id: UUID | None = None
    ) -> None:
        self.lease = lease
        self.run_id = run_id
        self._ends: float | None = None
        if seconds is not None:
            self.stop_after(seconds)
        self.is_lost = False
        self._progress: deque[tuple[float, str]] = deque(maxlen=1)

    def stop_after(self, seconds: float) -> None:
        """Renew no longer than that: what a timeout could not interrupt loses its lease."""
        self._ends = time.monotonic() + seconds

    def is_over(self, now: float) -> bool:
        """Tell whether the attempt has had its time; from then on it counts as lost."""
        if self._ends is None or now < self._ends:
            return False
        self.lose()
        return True

    def lose(self) -> None:
        """Let the handler know that the step is no longer this process's."""
        self.is_lost = True

    def report(self, fraction: float, note: str) -> None:
        """Leave progress for the next heartbeat, in a form that any store takes."""
        self._progress.append((fraction, storable_text(note)[:MAX_NOTE]))

    def take(self) -> tuple[float, str] | None:
        """Return the progress to store, once."""
        try:
            return self._progress.pop()
        except IndexError:
            return None


class Heartbeat:
    """Renews every lease added to it until it is removed.

    The thread starts with the first lease and ends when there has been none for a while, so an
    idle process holds no connection. After a fork the child starts its own.
    """

    def __init__(self, store: WorkflowStore, *, lease: float, interval: float) -> None:
        self._store = store
        self._lease = lease
        self._interval = interval
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._beats: set[Beat] = set()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._idle_rounds = 0
        self._news = False

    def add(self, beat: Beat) -> None:
        """Keep the lease alive from now on."""
        if self._pid != os.getpid():
            self._reset()
        with self._lock:
            self._beats.add(beat)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="gorkflow-heartbeat", daemon=True
                )
                self._thread.start()

    def remove(self, beat: Beat) -> None:
        """Let the lease be; it is finished or lost."""
        with self._lock:
            self._beats.discard(beat)

    def nudge(self) -> None:
        """Store waiting progress soon instead of with the next renewal."""
        with self._changed:
            self._news = True
            self._changed.notify()

    def beat_once(self) -> None:
        """Renew all leases now; leases that are no longer ours are marked lost."""
        now = time.monotonic()
        with self._changed:
            beats = {beat.lease: beat for beat in self._beats if not beat.is_over(now)}
        if not beats:
            return
        try:
            for beat in beats.values():
                reach(FaultPoint.IN_HEARTBEAT, beat)
            held = self._store.heartbeat(
                {lease: beat.take() for lease, beat in beats.items()}, self._lease
            )
        except Exception as error:  # noqa: BLE001  the next beat tries again; the lease has slack
            log.warning(PERSISTENCE_ERROR, act="heartbeat", error=str(error))
            return
        for lease, beat in beats.items():
            # A step finished between the copy and the update is not lost, but nobody looks then.
            if lease not in held:
                beat.lose()

    def _run(self) -> None:
        try:
            while self._wait():
                with NO_FORK:
                    if self._beats:
                        self.beat_once()
                    else:
                        self._store.release()
        finally:
            with NO_FORK:
                self._store.release()

    def _wait(self) -> bool:
        """Wait for the next beat; False when there was nothing to do for a while."""
        with self._changed:
            if self._changed.wait_for(lambda: self._news, self._interval):
                # Progress came in: gather more of it before writing.
                self._changed.wait_for(lambda: False, PROGRESS_SECONDS)
                self._news = False
            self._idle_rounds = 0 if self._beats else self._idle_rounds + 1
            if self._idle_rounds * self._interval < IDLE_SECONDS:
                return True
            self._thread = None
            return False
