"""Working on a run in the calling thread until it has ended, telling no worker of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from gorkflow.engine.recovery import end_overdue
from gorkflow.engine.worker import RunWorker, worker_name
from gorkflow.records import RunRecord
from gorkflow.stores.base import Claim, NewRun

if TYPE_CHECKING:
    from gorkflow.engine.engine import Engine

POLL_SECONDS = 0.05


class LoneWorker:
    """Needs no broker; waits for retries that are due."""

    def __init__(self, engine: Engine, run_id: UUID) -> None:
        self._engine = engine
        self._run_id = run_id
        self._claim: Claim | None = None

    def begin(self, new: NewRun) -> RunRecord | None:
        """Insert the run with its first step claimed; None where the store does not do that."""
        begun = self._engine.store.begin_run(new, self._worker().taker())
        if begun is None:
            return None
        record, self._claim = begun
        return record

    def run_to_end(self) -> None:
        """Work until the run has ended."""
        engine = self._engine
        while True:
            worker = self._worker()
            claim, self._claim = self._claim, None
            attempts = worker.run(claim)
            if worker.saw_end or engine.store.get_run(self._run_id).status.is_terminal:
                return
            if attempts == 0:
                engine.clock.sleep(self._until_due())
                end_overdue(engine, self._run_id)

    def _worker(self) -> RunWorker:
        return RunWorker(
            self._engine,
            self._run_id,
            queue=None,
            worker=worker_name(),
            keep_going=lambda: True,
            alone=True,
        )

    def _until_due(self) -> float:
        store = self._engine.store
        due = [row.due_at for row in store.get_steps(self._run_id) if row.due_at is not None]
        if not due:
            return POLL_SECONDS
        return max(POLL_SECONDS, (min(due) - store.now()).total_seconds())
