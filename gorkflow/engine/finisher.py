"""Storing what became of one claim, however often the store has to be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gorkflow.engine.clock import Clock
from gorkflow.engine.failures import error_info
from gorkflow.engine.planner import Outcome, Planner, give_back
from gorkflow.errors import ErrorCode
from gorkflow.log import PERSISTENCE_ERROR, log
from gorkflow.statuses import StepStatus
from gorkflow.stores.base import Claim, Finish, Finished, Taker, WorkflowStore

PAUSE = 1.0

Stored = tuple[Finish, Finished]


class Finisher:
    """Finishes one claim.

    Every call uses the same taker: when an answer of the store is lost, the next call finds by it
    what the first one committed and claimed.
    """

    def __init__(
        self,
        store: WorkflowStore,
        claim: Claim,
        *,
        next_taker: Callable[[], Taker | None],
        clock: Clock,
        patience: float,
    ) -> None:
        self._store = store
        self._claim = claim
        self._next_taker = next_taker
        self._taker: Taker | None = None
        self._asked: dict[StepStatus, Finish] = {}
        self._clock = clock
        self._patience = patience

    @property
    def has_result(self) -> bool:
        """Whether the store has been asked to take anything, successfully or not."""
        return bool(self._asked)

    def once(self, finish: Finish) -> Stored:
        """Apply the finish; whatever the store raises passes through."""
        if not self._asked:
            self._taker = self._next_taker()
        self._asked[finish.status] = finish
        finished = self._store.finish(self._claim, finish, self._taker)
        if finished.accepted and finished.status not in (None, finish.status):
            assert finished.status is not None
            # Not what was asked for now: an earlier call had gone through, or the run has ended.
            plain = replace(finish, status=finished.status)
            finish = self._asked.get(finished.status, plain)
        return finish, finished

    def patiently(self, finish: Finish) -> Stored:
        """Apply the finish, waiting for a store that is away for a while.

        The lease is renewed meanwhile if that is possible; if not, nobody else can take it either.
        """
        deadline = self._clock.monotonic() + self._patience
        while True:
            try:
                return self.once(finish)
            except Exception as error:
                if not self._store.is_transient(error) or self._clock.monotonic() >= deadline:
                    raise
                log.warning(PERSISTENCE_ERROR, act="finish", error=str(error))
            self._clock.sleep(PAUSE)

    def finish(self, planner: Planner, outcome: Outcome) -> Stored:
        """Apply what the planner makes of an outcome.

        A result that the store refuses (a value its columns do not take) fails the step: without
        that it would run again and again until it counted as lost with its worker. One that it
        could not take in all this time (a full disk) is lost: counted, so that it has an end.
        """
        try:
            return self.patiently(planner.finish(self._claim, outcome))
        except Exception as error:  # noqa: BLE001  whatever it was, the attempt has an end
            if self._store.is_transient(error):
                why = f"the result could not be stored: {error}"
                lost = planner.lost(self._claim, why, only_expired=False)
                # Not at once: its next result would meet the same trouble.
                return self.once(replace(lost, retry_in=self._patience))
            log.error(PERSISTENCE_ERROR, act="finish", error=str(error), exc_info=error)
            return self.patiently(planner.finish(self._claim, self.failed(error)))

    def failed(self, error: BaseException, code: ErrorCode = ErrorCode.INTERNAL_ERROR) -> Outcome:
        """Return the outcome of an attempt that failed outside its handler."""
        claim = self._claim
        info = error_info(code, error, step_id=claim.step_id, attempt=claim.attempt)
        return Outcome(status=StepStatus.FAILED, error=info)

    def give_back(self, *, patiently: bool = False) -> None:
        """Make the step claimable again and, if it was finished after all, the one claimed next."""
        try:
            apply = self.patiently if patiently else self.once
            _, finished = apply(give_back(self._claim))
            if finished.claim is not None:
                self._store.finish(finished.claim, give_back(finished.claim), None)
        except Exception as error:  # noqa: BLE001  the end of the lease gives it back later
            log.warning(PERSISTENCE_ERROR, act="give back", error=str(error))
