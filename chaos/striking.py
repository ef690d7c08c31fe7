"""Carries out the blows of a plan and journals each of them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence

from chaos.fleet import Member
from chaos.journal import BLOWS, note
from chaos.plans import Blow
from servers.base import Server
from servers.brokers import Broker

FELL = "ended by Celery"
"""A worker that ended by itself where Celery does not go on: its broker went away while messages
were unacknowledged, or a child died while the pool began. Its supervisor starts it again."""
SHAKEN_SECONDS = 15.0
STALL_SECONDS = 7.0
"""Longer than a lease and the sweep after it."""


class Striker:
    """Strikes workers, starters and servers.

    Args:
        seed: what the choice of victims follows from, as far as time lets it.
        workers, starters: whom to strike.
        database, broker: what to restart.

    """

    def __init__(
        self,
        seed: int,
        *,
        workers: Sequence[Member],
        starters: Sequence[Member],
        database: Server,
        broker: Broker,
    ) -> None:
        self.troubles: list[str] = []
        self._random = random.Random(f"{seed}/victims")
        self._workers = workers
        self._starters = starters
        self._database = database
        self._broker = broker
        self._threads: list[threading.Thread] = []
        self._shaken = -SHAKEN_SECONDS

    def excuses(self, member: Member) -> bool:
        """Tell whether the member ended for something that was done just now, and note that."""
        if time.monotonic() > max(self._shaken, member.hit) + SHAKEN_SECONDS:
            return False
        note(BLOWS, blow=FELL, at=time.time(), member=member.name)
        return True

    def strike(self, blow: Blow) -> None:
        """Strike; what takes its time goes on in a thread."""
        acts: dict[Blow, Callable[[], None]] = {
            Blow.STALL: self._stall,
            Blow.FLUSH: self._flush,
            Blow.RESTART_BROKER: lambda: self._restart(blow, self._broker, crash=True),
            Blow.RESTART_DATABASE: lambda: self._restart(blow, self._database, crash=False),
            Blow.CRASH_DATABASE: lambda: self._restart(blow, self._database, crash=True),
        }
        if blow in acts:
            thread = threading.Thread(target=self._carefully, args=(blow, acts[blow]))
            self._threads.append(thread)
            thread.start()
        else:
            self._kill(blow)

    def wait(self) -> None:
        """Wait for what goes on in threads."""
        for thread in self._threads:
            thread.join()

    def _carefully(self, blow: Blow, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001  reported at the end
            self.troubles.append(f"{blow} failed: {type(error).__name__}: {error}")

    def _kill(self, blow: Blow) -> None:
        victim = self._victim(self._starters if blow is Blow.KILL_STARTER else self._workers)
        if victim is None:
            return
        children = victim.children()
        if blow is Blow.KILL_MAIN:
            pids = [victim.pid]
        elif blow is Blow.KILL_CHILD and children:
            pids = [self._random.choice(children)]
        else:
            pids = [victim.pid, *children]
        # Before the deed, so that no recovery seems to come before its kill.
        note(BLOWS, blow=blow, at=time.time(), pids=pids)
        if len(pids) > 1:
            victim.kill_all()
        else:
            victim.kill(pids[0])

    def _victim(self, members: Sequence[Member]) -> Member | None:
        alive = [each for each in members if each.code is None and not each.is_stalled]
        return self._random.choice(alive) if alive else None

    def _stall(self) -> None:
        victim = self._victim(self._workers)
        if victim is None:
            return
        note(BLOWS, blow=Blow.STALL, at=time.time())
        victim.stall()
        time.sleep(STALL_SECONDS)
        victim.resume()

    def _flush(self) -> None:
        self._broker.flush()
        note(BLOWS, blow=Blow.FLUSH, at=time.time())

    def _restart(self, blow: Blow, server: Server, *, crash: bool) -> None:
        if server is self._broker:
            self._shaken = time.monotonic()
        away = server.restart(crash=crash)
        note(BLOWS, blow=blow, at=time.time(), away=away)
