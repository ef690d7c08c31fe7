"""A store in this process's memory: for tests, and the plainest reading of the contract.

One lock makes every method atomic. Nothing outlives the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from gorkflow.dispatch.base import Hint
from gorkflow.errors import InvalidStateError, NotFoundError
from gorkflow.faults import FaultPoint, reach
from gorkflow.queries import RunFilter, RunPage, RunStats
from gorkflow.records import ErrorInfo, EventRecord, RunRecord, StepRecord
from gorkflow.statuses import ACTIVE_RUNS, CLAIMABLE_STEPS, LIVE_STEPS, RunStatus, StepStatus
from gorkflow.stores.base import (
    Claim,
    Finish,
    Finished,
    Lease,
    Loaded,
    NewEvent,
    NewRun,
    NewStep,
    Restart,
    Swept,
    Taker,
    WorkflowStore,
)
from gorkflow.stores.memory.listing import page_of, stats_of
from gorkflow.stores.memory.rows import (
    RunRow,
    StepRow,
    after,
    candidate,
    claim_of,
    held_steps,
    hint_for,
    is_due,
    is_to_be_told,
    next_end,
    outputs_of,
    refuse_held_key,
    run_record,
    step_record,
    with_idempotency_key,
)


class MemoryStore(WorkflowStore):
    """Keeps runs in dictionaries.

    `now` gives the time in UTC, a virtual clock's in tests; `atomic` opens the transaction of an
    atomic step's own writes, which are not this store's.
    """

    def __init__(
        self,
        now: Callable[[], datetime] | None = None,
        atomic: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self._atomic = atomic
        self._now = now or (lambda: datetime.now(UTC))
        self._lock = threading.RLock()
        self._runs: dict[UUID, RunRow] = {}
        self._last_row = 0

    def now(self) -> datetime:
        """Return the clock's time."""
        return self._now()

    def transaction(self) -> AbstractContextManager[Any]:
        """Return the transaction for a handler's own writes; no row here is written before it."""
        return self._atomic()

    def create_run(self, new: NewRun) -> tuple[RunRecord, bool]:
        """Insert a run, unless its idempotency key is known."""
        with self._lock:
            known = with_idempotency_key(self._runs.values(), new)
            if known is not None:
                return run_record(known), False
            refuse_held_key(self._runs.values(), new)
            now = self.now()
            run = RunRow(
                new=new,
                status=RunStatus.PENDING,
                created_at=now,
                open_sinks=new.sinks,
                holds_key=new.concurrency_key is not None,
                deadline_at=after(new.run_at or now, new.timeout),
            )
            if new.rerun_of is not None and new.rerun_of in self._runs:
                self._runs[new.rerun_of].note(new.rerun_event, now)
            self._runs[new.id] = run
            for row in new.steps:
                self._insert(run, row, new.run_at)
            return run_record(run), True

    def _insert(self, run: RunRow, row: NewStep, run_at: datetime | None = None) -> StepRow:
        self._last_row += 1
        step = StepRow(
            run=run,
            row_id=self._last_row,
            step_id=row.step_id,
            position=row.position,
            queue=row.queue,
            pending=row.pending,
        )
        run.steps[row.step_id] = step
        if step.pending == 0:
            step.due_at, step.ready_at = run_at or self.now(), None if run_at else self.now()
        return step

    def get_run(self, run_id: UUID) -> RunRecord:
        """Return one run."""
        with self._lock:
            return run_record(self._find(run_id))

    def _find(self, run_id: UUID) -> RunRow:
        try:
            return self._runs[run_id]
        except KeyError:
            raise NotFoundError(f"there is no run {run_id}", run_id=str(run_id)) from None

    def list_runs(self, wanted: RunFilter) -> RunPage:
        """Return one page of runs; the cursor is the id of the last run before it."""
        with self._lock:
            return page_of(self._runs.values(), wanted)

    def run_stats(self, wanted: RunFilter) -> RunStats:
        """Return figures on runs."""
        with self._lock:
            return stats_of(self._runs.values(), wanted)

    def get_steps(self, run_id: UUID, *, attempts: bool = False) -> list[StepRecord]:
        """Return the step rows by position."""
        with self._lock:
            rows = sorted(self._find(run_id).steps.values(), key=lambda row: row.position)
            return [step_record(row, attempts=attempts) for row in rows]

    def get_events(self, run_id: UUID) -> list[EventRecord]:
        """Return the events in their order."""
        with self._lock:
            run = self._runs.get(run_id)
            return list(run.events) if run is not None else []

    def load(  # noqa: PLR0913  the contract's
        self,
        run_id: UUID,
        *,
        outputs: Iterable[str] = (),
        run_input: bool = False,
        run_output: bool = False,
        context: bool = False,
        graph: bool = False,
        state: bool = False,
    ) -> Loaded:
        """Return the payloads asked for."""
        with self._lock:
            run = self._find(run_id)
            return Loaded(
                input=run.new.input if run_input else "null",
                output=run.output if run_output else None,
                context=run.new.context if context else None,
                graph=run.new.graph if graph else "[]",
                outputs=outputs_of(run, outputs),
                state=dict(run.state) if state else {},
            )

    def claim(self, run_id: UUID, taker: Taker) -> Claim | None:
        """Claim one due step."""
        with self._lock:
            run = self._runs.get(run_id)
            return self._claim_any(run, taker) if run is not None else None

    def _admit(self, run: RunRow) -> bool:
        if run.status is not RunStatus.PENDING:
            return run.status is RunStatus.RUNNING
        return run in self._admissible(run)

    def _admissible(self, asking: RunRow) -> list[RunRow]:
        """Return the pending runs of its version that the workflow's limit lets in."""
        limit = asking.new.run_limit
        runs = [run for run in self._runs.values() if run.new.workflow_id == asking.new.workflow_id]
        running = sum(run.status is RunStatus.RUNNING for run in runs)
        pending = [
            run
            for run in runs
            if run.status is RunStatus.PENDING
            and run.new.workflow_version == asking.new.workflow_version
            and any(is_due(row, self.now(), None) for row in run.steps.values())
        ]
        return pending if limit is None else pending[: max(0, limit - running)]

    def _claim_any(self, run: RunRow, taker: Taker) -> Claim | None:
        now = self.now()
        overdue = run.deadline_at is not None and run.deadline_at <= now
        if overdue or not self._admit(run):
            return None
        running = sum(row.status is StepStatus.RUNNING for row in run.steps.values())
        if run.new.step_limit is not None and running >= run.new.step_limit:
            return None
        due = [row for row in run.steps.values() if is_due(row, now, taker.queue)]
        for row in sorted(due, key=lambda row: (row.position, row.row_id)):
            row.progress_note = taker.refuse(candidate(row))
            if not row.progress_note:
                return self._take(row, taker, now, more=len(due) > 1)
        return None

    def _take(self, row: StepRow, taker: Taker, now: datetime, *, more: bool) -> Claim:
        run = row.run
        starts = run.status is RunStatus.PENDING
        if starts:
            run.status, run.started_at = RunStatus.RUNNING, run.started_at or now
        row.status = StepStatus.RUNNING
        row.token = taker.token
        row.worker = taker.worker
        row.due_at = now + timedelta(seconds=taker.lease)
        row.attempt += 1
        row.progress, row.progress_note = 0.0, ""
        row.started_at, row.ended_at = now, None
        return claim_of(row, started_run=starts, more=more)

    def finish(self, claim: Claim, finish: Finish, taker: Taker | None) -> Finished:
        """Apply a finish and claim the next step."""
        with self._lock:
            run = self._runs.get(claim.run_id)
            row = run.steps.get(claim.step_id) if run else None
            if run is None or row is None or not row.is_held(claim, finish, self.now()):
                return Finished(accepted=False)
            reach(FaultPoint.IN_FINISH, claim)
            was_active = run.status in ACTIVE_RUNS
            finish = finish.for_run(run.status)
            row.apply(finish, self.now())
            if finish.run_error is not None:
                run.end(RunStatus.FAILED, finish.run_error, CLAIMABLE_STEPS, self.now())
            elif finish.is_sink:
                self._close_sink(run, finish)
            if run.status not in ACTIVE_RUNS:
                wake = self._wake(run) if was_active else ()
                return Finished(
                    accepted=True,
                    status=finish.status,
                    run_status=run.status,
                    ended_run=was_active,
                    wake=wake,
                )
            ready = self._make_ready(run, finish)
            taken = None
            if taker is not None and finish.status is not StepStatus.PENDING:
                taken = self._claim_any(run, taker)
            if run.new.step_limit is not None:
                ready = [row for row in run.steps.values() if is_due(row, self.now(), None)]
            left = [step.queue for step in ready if step.status is not StepStatus.RUNNING]
            return Finished(
                accepted=True,
                status=finish.status,
                run_status=run.status,
                claim=taken,
                ready=left[: run.new.step_limit],
            )

    def _close_sink(self, run: RunRow, finish: Finish) -> None:
        run.open_sinks -= 1
        if run.open_sinks == 0:
            if finish.run_output is not None:
                run.output = finish.run_output(outputs_of(run, finish.output_sources))
            run.end(RunStatus.COMPLETED, None, (), self.now())

    def _make_ready(self, run: RunRow, finish: Finish) -> list[StepRow]:
        ready = [self._insert(run, row) for row in finish.inserts]
        for step_id in finish.joins:
            row = run.steps[step_id]
            row.pending -= 1
            if row.pending == 0:
                row.due_at = row.ready_at = self.now()
                ready.append(row)
        return ready

    def _wake(self, ended: RunRow) -> list[Hint]:
        if ended.new.run_limit is None:
            return []
        return [
            hint_for(row)
            for run in self._admissible(ended)
            for row in run.steps.values()
            if is_due(row, self.now(), None)
        ]

    def heartbeat(
        self, beats: Mapping[Lease, tuple[float, str] | None], seconds: float
    ) -> set[Lease]:
        """Renew leases."""
        held = set()
        with self._lock:
            for row in held_steps(self._runs.values()):
                lease = claim_of(row).lease
                if lease not in beats:
                    continue
                held.add(lease)
                row.due_at = self.now() + timedelta(seconds=seconds)
                row.progress, row.progress_note = beats[lease] or (row.progress, row.progress_note)
        return held

    def end_run(
        self,
        run_id: UUID,
        status: RunStatus,
        error: ErrorInfo,
        *,
        only_overdue: bool = False,
        event: NewEvent | None = None,
    ) -> Sequence[Hint]:
        """End an active run with every unfinished step."""
        with self._lock:
            run = self._find(run_id)
            in_time = run.deadline_at is None or run.deadline_at > self.now()
            if run.status not in ACTIVE_RUNS or (only_overdue and in_time):
                raise InvalidStateError(
                    f"run {run_id} is {run.status}", run_id=str(run_id), status=run.status
                )
            run.end(status, error, LIVE_STEPS, self.now())
            run.note(event, self.now())
            return self._wake(run)

    def restart(
        self, run_id: UUID, decide: Callable[[RunRecord, Sequence[StepRecord]], Restart]
    ) -> RunRecord:
        """Make an ended run PENDING again."""
        with self._lock:
            run = self._find(run_id)
            rows = [step_record(row, attempts=False) for row in run.steps.values()]
            change = decide(run_record(run), rows)
            refuse_held_key(self._runs.values(), run.new)
            now = self.now()
            run.status, run.error, run.ended_at = RunStatus.PENDING, None, None
            run.open_sinks = change.open_sinks
            run.holds_key = run.new.concurrency_key is not None
            run.deadline_at = after(now, run.new.timeout)
            for step_id, pending in change.reset.items():
                run.steps[step_id].reset(pending, now)
            for new in change.inserts:
                self._insert(run, new)
            run.note(change.event, now)
            return run_record(run)

    def sweep(self, *, limit: int, resend_after: float, ahead: float = 0.0) -> Swept:
        """Look at every active run."""
        with self._lock:
            now = self.now()
            active = [run for run in self._runs.values() if run.status in ACTIVE_RUNS]
            running = held_steps(self._runs.values())
            expired = [claim_of(row) for row in running if row.due_at and row.due_at <= now]
            overdue = [run.new.id for run in active if run.deadline_at and run.deadline_at <= now]
            hints: list[Hint] = []
            for run in active:
                hints.extend(self._resend(run, now, resend_after))
            return Swept(
                hints=hints[:limit],
                expired=expired[:limit],
                overdue=overdue[:limit],
                next_end=next_end(running, now, ahead),
            )

    def _resend(self, run: RunRow, now: datetime, resend_after: float) -> list[Hint]:
        waiting = [row for row in run.steps.values() if is_to_be_told(row, now, resend_after)]
        for row in waiting:
            row.ready_at = row.ready_at or row.due_at
        if not self._admit(run):
            return []
        for row in waiting:
            row.status, row.due_at = StepStatus.PENDING, now
        return [hint_for(row) for row in waiting]

    def prune(self, *, older_than: float, statuses: Sequence[RunStatus], limit: int) -> int:
        """Delete ended runs."""
        with self._lock:
            before = self.now() - timedelta(seconds=older_than)
            old = [
                run.new.id
                for run in self._runs.values()
                if run.status in statuses and run.ended_at is not None and run.ended_at < before
                if not any(row.status is StepStatus.RUNNING for row in run.steps.values())
            ]
            for run_id in old[:limit]:
                del self._runs[run_id]
            return len(old[:limit])
