"""Working on a run in the calling thread until it has ended, telling no worker of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from gorkflow.engine.recovery import end_overdue
from gorkflow.engine.worker import RunWorker, worker_name
from gorkflow.records import Json, RunRecord
from gorkflow.statuses import RunStatus
from gorkflow.stores.base import Claim, NewRun

if TYPE_CHECKING:
    from gorkflow.engine.engine import Engine

POLL_SECONDS = 0.05


class Ended(NamedTuple):
    """A run that has ended, without a look into the store."""

    record: RunRecord
    output: Json | None


class LoneWorker:
    """Needs no broker; waits for retries that are due."""

    def __init__(self, engine: Engine, run_id: UUID) -> None:
        self._engine = engine
        self._run_id = run_id
        self._record: RunRecord | None = None
        self._claim: Claim | None = None

    def begin(self, new: NewRun) -> RunRecord | None:
        """Insert the run with its first step claimed; None where the store does not do that."""
        begun = self._engine.store.begin_run(new, self._worker().taker())
        if begun is None:
            return None
        self._record, self._claim = begun
        return self._record

    def run_to_end(self) -> Ended | None:
        """Work until the run has ended; return how, if all of it was done here."""
        engine = self._engine
        while True:
            worker = self._worker()
            claim, self._claim = self._claim, None
            attempts = worker.run(claim)
            if worker.end or engine.store.get_run(self._run_id).status.is_terminal:
                return self._ended(worker)
            if attempts == 0:
                engine.clock.sleep(self._until_due())
                end_overdue(engine, self._run_id)

    def _ended(self, worker: RunWorker) -> Ended | None:
        """Return how the run has ended, if the worker did every step of it to a good end."""
        record, end = self._record, worker.end
        if record is None or end is None:
            return None
        finish, finished = end
        if (
            finished.run_status is not RunStatus.COMPLETED
            or finished.ended_at is None
            or worker.done != record.total_steps
            or finish.run_output is None
            or finish.output_sources
        ):
            return None
        record = replace(
            record,
            status=RunStatus.COMPLETED,
            done_steps=worker.done,
            ended_at=finished.ended_at,
            deadline_at=None,
        )
        return Ended(record, finish.run_output({}))

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
