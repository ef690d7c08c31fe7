"""The sweep: finds what nobody is working on and tells the workers. It executes nothing."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from gorkflow.dispatch.base import Hint
from gorkflow.engine.aftermath import announce
from gorkflow.engine.pruning import prune_some
from gorkflow.errors import ErrorCode, GorkflowError
from gorkflow.faults import FaultPoint, reach
from gorkflow.forks import NO_FORK
from gorkflow.log import SWEEP_FAILED, bound_run, log
from gorkflow.records import ErrorInfo
from gorkflow.statuses import RunStatus
from gorkflow.stores.base import Claim

if TYPE_CHECKING:
    from gorkflow.engine.engine import Engine


LIMIT = 500
"""Rows of each kind that one sweep looks at."""
SPREAD_SECONDS = 0.4
"""Within so much of a lease's end the sweepers of several workers come to it."""


class Sweep(NamedTuple):
    """What a sweep did."""

    acted: int
    """How many rows it acted on, not counting what it deleted."""
    next_end: float | None
    """Seconds until a lease ends that should have been renewed by then; None if not before the
    next sweep."""


def sweep_once(engine: Engine, limit: int = LIMIT, *, expire: bool = True) -> Sweep:
    """Do one sweep over at most `limit` rows of each kind.

    Without `expire` leases that have ended are let be.
    """
    began, config = engine.clock.monotonic(), engine.config
    swept = engine.store.sweep(
        limit=limit,
        resend_after=config.resend_after,
        # Whoever lives renews a lease before that little of it is left.
        ahead=min(1.5 * config.sweep_interval, config.lease - config.heartbeat),
    )
    # A store that stood still kept those who live from renewing their leases.
    expire = expire and engine.clock.monotonic() - began < engine.config.heartbeat
    # First, because the store will not name these again for a while.
    for hint in _capped(swept.hints, engine.config.max_messages):
        reach(FaultPoint.IN_SWEEP, hint)
        engine.send([hint])
    acted = sum(_expire(engine, claim) for claim in swept.expired) if expire else 0
    acted += sum(end_overdue(engine, run_id) for run_id in swept.overdue)
    prune_some(engine)
    return Sweep(acted + len(swept.hints), swept.next_end)


def _capped(hints: Sequence[Hint], most: int) -> list[Hint]:
    # One message for every waiting step would flood the broker after a large fan-out.
    return [hint for hint, count in Counter(hints).items() for _ in range(min(count, most))]


def _expire(engine: Engine, claim: Claim) -> bool:
    try:
        reach(FaultPoint.IN_SWEEP, claim)
        finish = engine.planners.of_run(claim).lost(claim)
        finished = engine.store.finish(claim, finish, None)
    except Exception as error:  # noqa: BLE001  one that cannot be helped must not stop the rest
        log.warning(SWEEP_FAILED, run_id=str(claim.run_id), error=str(error))
        return False
    if not finished.accepted:
        return False
    with bound_run(claim.run_id, claim.workflow_id, claim.step_id, claim.attempt):
        announce(engine, claim, finish, finished, duration_ms=0.0)
    return True


def end_overdue(engine: Engine, run_id: UUID) -> bool:
    """Fail a run with TIMEOUT if its deadline has passed; tell whether it did."""
    error = ErrorInfo(code=ErrorCode.TIMEOUT, message="the run took longer than its timeout")
    try:
        engine.end_run(run_id, RunStatus.FAILED, error, only_overdue=True)
    except GorkflowError:
        # It ended, was retried, or was pruned since somebody looked.
        return False
    except Exception as failure:  # noqa: BLE001
        log.warning(SWEEP_FAILED, run_id=str(run_id), error=str(failure))
        return False
    return True


class Sweeper:
    """A thread that sweeps every so often while its worker lives."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stop = threading.Event()
        self._was_away = False
        self._thread = threading.Thread(target=self._run, name="gorkflow-sweeper", daemon=True)

    def start(self) -> None:
        """Begin; the first sweep comes at once, for what was left over from before."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the sweep that is under way."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.is_set():
            with NO_FORK:
                pause = self.sweep()
            self._stop.wait(pause)

    def sweep(self) -> float:
        """Sweep once, whatever the store does; return the seconds until the next time."""
        config = self._engine.config
        # Workers that started together should not sweep together for ever.
        chance = random.random()  # noqa: S311
        pause = 0.8 * config.sweep_interval * (1.0 + 0.5 * chance)
        try:
            done = sweep_once(self._engine, expire=not self._was_away)
            if self._was_away:
                # While the store was away nobody could renew a lease: those who live go first.
                self._was_away = False
                pause = max(pause, 1.5 * config.heartbeat)
            elif done.next_end is not None:
                # A worker that has died, most likely: its step is found as soon as it may be.
                pause = min(pause, done.next_end + 0.02 + SPREAD_SECONDS * chance)
        except Exception as error:  # noqa: BLE001  the database may be away; it comes back
            self._was_away = True
            log.warning(SWEEP_FAILED, error=str(error))
        finally:
            # No connection is held between sweeps: a prefork parent forks at any moment.
            self._engine.store.release()
        return pause
