"""The loop that works on one run: claim, attempt, finish and claim the next, until none is ready.

Messages, threads and processes are not its business; a dispatcher calls `Engine.work`, which
builds one of these.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from gorkflow.dispatch.base import Hint
from gorkflow.engine.aftermath import announce, is_live
from gorkflow.engine.attempt import Attempt, RunCache, error_info
from gorkflow.engine.heartbeat import Beat
from gorkflow.engine.planner import Outcome, Planner
from gorkflow.errors import ErrorCode
from gorkflow.log import (
    PERSISTENCE_ERROR,
    STEP_REFUSED,
    STEP_STARTED,
    STEP_UNKNOWN,
    WORKFLOW_STARTED,
    bound_run,
    log,
)
from gorkflow.statuses import StepStatus
from gorkflow.stores.base import Candidate, Claim, Finish, Finished, StepOutput, Taker

if TYPE_CHECKING:
    from gorkflow.engine.engine import Engine


def worker_name() -> str:
    """Return what a step's record says of who ran it: host, process and thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.current_thread().name}"[:255]


GRACE_SECONDS = 10.0
"""Time beyond its timeout for an attempt to come to its end before its lease is let go."""


class _RefusedError(Exception):
    """Rolls an atomic step back: its lease was lost, or its handler failed."""


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
        self._cache = RunCache()

    def run(self) -> int:
        """Work until nothing of the run is ready here, or `keep_going` says no.

        Returns the number of attempts made.
        """
        attempts = 0
        claim = self._store.claim(self._run_id, self._taker())
        while claim is not None:
            attempts += 1
            with bound_run(claim.run_id, claim.workflow_id, claim.step_id, claim.attempt):
                claim = self._work_on(claim)
        return attempts

    def _taker(self) -> Taker:
        return Taker(
            token=uuid4(),
            worker=self._worker,
            lease=self._engine.config.lease,
            queue=self._queue,
            accept=self._accept,
        )

    def _accept(self, candidate: Candidate) -> bool:
        workflow = self._engine.registry.find(candidate.workflow_id, candidate.workflow_version)
        if workflow is not None and candidate.step_id in workflow.steps:
            return True
        log.warning(
            STEP_UNKNOWN,
            run_id=str(candidate.run_id),
            workflow_id=candidate.workflow_id,
            version=candidate.workflow_version,
            step_id=candidate.step_id,
        )
        return False

    def _work_on(self, claim: Claim) -> Claim | None:
        if claim.started_run:
            log.info(WORKFLOW_STARTED)
            self._engine.observer.run_started(claim.run_id, claim.workflow_id)
        log.info(STEP_STARTED)
        began = time.perf_counter()
        planner = self._engine.planners.of_run(claim)
        timeout = planner.graph[claim.step_id].config.timeout
        beat = Beat(claim.token, None if timeout is None else timeout + GRACE_SECONDS)
        # Inside a caller's open transaction no other connection sees the row: nothing to keep.
        if claim.shared:
            self._engine.heartbeat.add(beat)
        try:
            finish, finished = self._attempt(claim, planner, beat)
        except Exception as error:  # noqa: BLE001  the lease gives the step to the next worker
            log.error(PERSISTENCE_ERROR, act="finish", error=str(error), exc_info=error)
            return None
        finally:
            self._engine.heartbeat.remove(beat)
        return self._after(claim, finish, finished, (time.perf_counter() - began) * 1000)

    def _attempt(self, claim: Claim, planner: Planner, beat: Beat) -> tuple[Finish, Finished]:
        attempt = self._build_attempt(claim, planner, beat)
        try:
            if planner.graph[claim.step_id].atomic:
                return self._attempt_atomically(claim, planner, attempt)
            return self._finish_or_fail(claim, planner, attempt.run())
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            # The process is told to end: the step goes back and no attempt is burnt.
            self._store.finish(
                claim, planner.finish(claim, Outcome(status=StepStatus.PENDING)), None
            )
            raise

    def _build_attempt(self, claim: Claim, planner: Planner, beat: Beat) -> Attempt:
        workflow = self._engine.registry.get(claim.workflow_id, claim.workflow_version)
        return Attempt(
            claim,
            workflow,
            planner.graph,
            store=self._store,
            cache=self._cache,
            beat=beat,
            nudge=self._engine.heartbeat.nudge,
            max_bytes=self._engine.config.max_payload_bytes,
        )

    def _attempt_atomically(
        self, claim: Claim, planner: Planner, attempt: Attempt
    ) -> tuple[Finish, Finished]:
        outcome = None
        try:
            with self._store.transaction():
                outcome = attempt.run()
                if outcome.status is StepStatus.FAILED:
                    raise _RefusedError
                finish, finished = self._finish(claim, planner, outcome)
                if not finished.accepted:
                    raise _RefusedError
                return finish, finished
        except _RefusedError:
            if outcome is None or outcome.status is not StepStatus.FAILED:
                return Finish(status=StepStatus.CANCELLED), Finished(accepted=False)
        except Exception as error:  # noqa: BLE001  the commit itself failed (a deferred constraint)
            info = error_info(
                ErrorCode.EXECUTION_FAILED, error, step_id=claim.step_id, attempt=claim.attempt
            )
            outcome = Outcome(status=StepStatus.FAILED, error=info)
        return self._finish(claim, planner, outcome)

    def _finish_or_fail(
        self, claim: Claim, planner: Planner, outcome: Outcome
    ) -> tuple[Finish, Finished]:
        try:
            return self._finish(claim, planner, outcome)
        except Exception as error:  # noqa: BLE001
            # The store would not take the result (a value its columns refuse): without this the
            # step would run again and again until it counted as a lost worker.
            log.error(PERSISTENCE_ERROR, act="finish", error=str(error), exc_info=error)
            info = error_info(
                ErrorCode.INTERNAL_ERROR, error, step_id=claim.step_id, attempt=claim.attempt
            )
            return self._finish(claim, planner, Outcome(status=StepStatus.FAILED, error=info))

    def _finish(self, claim: Claim, planner: Planner, outcome: Outcome) -> tuple[Finish, Finished]:
        finish = planner.finish(claim, outcome)
        taker = self._taker() if self._keep_going() else None
        finished = self._store.finish(claim, finish, taker)
        if finished.accepted and finish.status in (StepStatus.COMPLETED, StepStatus.SKIPPED):
            self._cache.keep(claim.step_id, StepOutput(status=finish.status, output=finish.output))
        return finish, finished

    def _after(
        self, claim: Claim, finish: Finish, finished: Finished, duration_ms: float
    ) -> Claim | None:
        if not finished.accepted:
            log.warning(STEP_REFUSED, duration_ms=round(duration_ms, 1))
            return None
        announce(self._engine, claim, finish, finished, duration_ms=duration_ms, alone=self._alone)
        if is_live(finished) and finished.claim is None and not self._keep_going():
            self._hand_over(claim)
        return finished.claim

    def _hand_over(self, claim: Claim) -> None:
        # Time is up: whatever of the run is ready on this queue needs another worker.
        self._engine.send([Hint(run_id=claim.run_id, queue=claim.queue, priority=claim.priority)])
