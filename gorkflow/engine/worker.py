"""The loop that works on one run: claim, attempt, finish and claim the next, until none is ready.

Messages, threads and processes are not its business; a dispatcher calls `Engine.work`, which
builds one of these.
"""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from gorkflow.dispatch.base import Hint
from gorkflow.engine.aftermath import announce, is_live, tell
from gorkflow.engine.attempt import Attempt, Workplace
from gorkflow.engine.finisher import Finisher, Stored
from gorkflow.engine.heartbeat import MAX_NOTE, Beat
from gorkflow.engine.planner import Planner
from gorkflow.errors import ErrorCode
from gorkflow.faults import FaultPoint, reach
from gorkflow.log import (
    PERSISTENCE_ERROR,
    STEP_REFUSED,
    STEP_STARTED,
    STEP_UNKNOWN,
    WORKFLOW_STARTED,
    bind_step,
    bound_run,
    log,
)
from gorkflow.statuses import DONE_STEPS, StepStatus
from gorkflow.stores.base import Candidate, Claim, Finish, Finished, StepOutput, Taker

if TYPE_CHECKING:
    from gorkflow.definition.workflow import Workflow
    from gorkflow.engine.engine import Engine


def worker_name() -> str:
    """Return what a step's record says of who ran it: host, process and thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.current_thread().name}"[:255]


GRACE_SECONDS = 10.0
"""Time beyond its timeout for an attempt to come to its end before its lease is let go."""


class _RolledBackError(Exception):
    """Rolls an atomic step back: its lease was lost, or its handler failed."""


@dataclass(slots=True)
class _Held:
    """A claim and what keeps it."""

    claim: Claim
    beat: Beat
    calls: bool = False
    """Whether there is work for others that they have not been told of."""


class RunWorker:
    """Works on one run in the calling thread."""

    def __init__(  # noqa: PLR0913  built by the engine alone
        self,
        engine: Engine,
        run_id: UUID,
        *,
        queue: str | None,
        worker: str,
        keep_going: Callable[[], bool],
        alone: bool = False,
    ) -> None:
        self._engine = engine
        self._store = engine.store
        self._run_id = run_id
        self._queue = queue
        self._worker = worker
        self._keep_going = keep_going
        self._alone = alone
        self._place = Workplace.here(
            engine.store, engine.heartbeat.nudge, engine.config.max_payload_bytes
        )
        self._cache = self._place.cache
        self._tokens = (UUID(int=number) for number in itertools.count(uuid4().int))
        self._known: tuple[Workflow[Any, Any], Planner] | None = None
        self.done = 0
        """How many steps of the run have come to a good end here."""
        self.end: Stored | None = None
        """The finish that ended the run, if it was one of ours."""

    def run(self, claim: Claim | None = None) -> int:
        """Work until nothing of the run is ready here, or `keep_going` says no.

        Args:
            claim: a step that is this worker's already.

        Returns:
            The number of attempts made.

        """
        if claim is None:
            reach(FaultPoint.BEFORE_CLAIM, run_id=self._run_id)
            claim = self._store.claim(self._run_id, self.taker())
        if claim is None:
            return 0
        attempts = 0
        # Each worker that comes to a fan-out calls the next one: as many messages as workers are
        # free, however many steps are ready.
        held: _Held | None = self._hold(claim, calls=claim.more and not self._alone)
        with bound_run(claim.run_id, claim.workflow_id, claim.step_id, claim.attempt):
            while held is not None:
                attempts += 1
                bind_step(held.claim.step_id, held.claim.attempt)
                held = self._work_on(held)
        return attempts

    def taker(self) -> Taker:
        """Return who takes the next step; with a fresh token each time."""
        return Taker(
            token=next(self._tokens),
            worker=self._worker,
            lease=self._engine.config.lease,
            queue=self._queue,
            refuse=self._refuse,
            known=self._engine.registry.graphs,
        )

    def _refuse(self, candidate: Candidate) -> str:
        version = candidate.workflow_version
        workflow = self._engine.registry.find(candidate.workflow_id, version)
        if workflow is None:
            reason = f"waits for a worker that has version {version!r} of the workflow"
        elif candidate.step_id not in workflow.steps:
            reason = f"waits for a worker whose version {version!r} of the workflow has this step"
        else:
            return ""
        log.warning(
            STEP_UNKNOWN,
            run_id=str(candidate.run_id),
            workflow_id=candidate.workflow_id,
            version=version,
            step_id=candidate.step_id,
            reason=reason,
        )
        return reason[:MAX_NOTE]

    def _hold(self, claim: Claim, *, calls: bool = False) -> _Held:
        """Keep a claim's lease from the moment we know of it."""
        beat = Beat(claim.lease, run_id=claim.run_id)
        # Inside a caller's open transaction no other connection sees the row: nothing to keep.
        if claim.shared:
            self._engine.heartbeat.add(beat)
        return _Held(claim, beat, calls)

    def _finisher(self, claim: Claim) -> Finisher:
        return Finisher(
            self._store,
            claim,
            next_taker=self._next_taker,
            clock=self._engine.clock,
            patience=self._engine.config.lease,
        )

    def _next_taker(self) -> Taker | None:
        return self.taker() if self._keep_going() else None

    def _work_on(self, held: _Held) -> _Held | None:
        """Make one attempt and return the step that was claimed with its finish."""
        began = time.perf_counter()
        finisher = self._finisher(held.claim)
        try:
            reach(FaultPoint.AFTER_CLAIM, held.claim)
            if held.calls:
                self._call(held.claim)
            finish, finished = self._attempt(held, finisher)
        except Exception as error:  # noqa: BLE001  not the handler's: those are outcomes
            log.error(PERSISTENCE_ERROR, act="attempt", error=str(error), exc_info=error)
            # A handler that has run must not run again uncounted: its lease ends instead.
            if not finisher.has_result:
                finisher.give_back(patiently=True)
            return None
        except BaseException:
            # The process is told to end: the step goes back and no attempt is burnt.
            finisher.give_back()
            self._hand_over(held.claim)
            raise
        finally:
            self._engine.heartbeat.remove(held.beat)
        following = None if finished.claim is None else self._hold(finished.claim)
        try:
            self._after(held.claim, finish, finished, (time.perf_counter() - began) * 1000)
        except BaseException:
            if following is not None:
                self._engine.heartbeat.remove(following.beat)
                self._finisher(following.claim).give_back()
            raise
        return following

    def _attempt(self, held: _Held, finisher: Finisher) -> Stored:
        claim = held.claim
        if claim.run_input is not None:
            self._cache.input = claim.run_input
        if claim.started_run:
            log.info(WORKFLOW_STARTED)
            tell(self._engine.observer.run_started, claim.run_id, claim.workflow_id)
        log.info(STEP_STARTED)
        workflow, planner = self._known or self._find(claim)
        node = planner.graph[claim.step_id]
        if node.config.timeout is not None:
            held.beat.stop_after(node.config.timeout + GRACE_SECONDS)
        attempt = Attempt(self._place, claim, workflow, node, held.beat)
        if node.atomic:
            return self._attempt_atomically(claim, planner, attempt, finisher)
        return finisher.finish(planner, attempt.run())

    def _find(self, claim: Claim) -> tuple[Workflow[Any, Any], Planner]:
        """Return the run's code and the decisions for its graph, which stay the same."""
        workflow = self._engine.registry.get(claim.workflow_id, claim.workflow_version)
        self._known = workflow, self._engine.planners.of_run(claim)
        return self._known

    def _attempt_atomically(
        self, claim: Claim, planner: Planner, attempt: Attempt, finisher: Finisher
    ) -> Stored:
        outcome = None
        try:
            with self._store.transaction():
                outcome = attempt.run()
                if outcome.status is StepStatus.FAILED:
                    raise _RolledBackError
                finish, finished = finisher.once(planner.finish(claim, outcome))
                if not finished.accepted:
                    raise _RolledBackError
                reach(FaultPoint.IN_FINISH, claim)
        except _RolledBackError:
            if outcome is not None and outcome.status is StepStatus.FAILED:
                return finisher.finish(planner, outcome)
            return Finish(status=StepStatus.CANCELLED), Finished(accepted=False)
        except Exception as error:
            if outcome is None:
                raise
            # The commit failed, or what came after it (a hook, the answer): in the second case
            # the store finds our finish done and says so.
            if self._store.is_transient(error):
                why = f"the transaction was lost: {error}"
                return finisher.patiently(planner.lost(claim, why, only_expired=False))
            return finisher.finish(planner, finisher.failed(error, ErrorCode.EXECUTION_FAILED))
        return finish, finished

    def _after(self, claim: Claim, finish: Finish, finished: Finished, duration_ms: float) -> None:
        if not finished.accepted:
            log.warning(STEP_REFUSED, duration_ms=round(duration_ms, 1))
            return
        self.done += finish.status in DONE_STEPS
        if finished.ended_run:
            self.end = finish, finished
        self._cache.keep(claim.step_id, StepOutput(status=finish.status, output=finish.output))
        announce(self._engine, claim, finish, finished, duration_ms=duration_ms, alone=self._alone)
        if finished.claim is None and is_live(finished) and not self._keep_going():
            self._hand_over(claim)

    def _hand_over(self, claim: Claim) -> None:
        # Whatever of the run is ready on this queue needs another worker.
        if not self._alone:
            self._call(claim)

    def _call(self, claim: Claim) -> None:
        hint = Hint(run_id=claim.run_id, queue=claim.queue, priority=claim.priority)
        self._engine.send([hint])
