"""What the memory store keeps, and how it becomes records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from gorkflow.dispatch.base import Hint
from gorkflow.errors import ConcurrencyLimitError
from gorkflow.records import (
    AttemptRecord,
    ErrorInfo,
    EventRecord,
    Json,
    RunRecord,
    StepRecord,
)
from gorkflow.statuses import (
    CLAIMABLE_STEPS,
    DONE_STEPS,
    RunStatus,
    StepStatus,
)
from gorkflow.stores.base import Candidate, Claim, Finish, NewEvent, NewRun, StepOutput


@dataclass(slots=True)
class StepRow:
    """A step as it stands."""

    run: RunRow
    row_id: int
    step_id: str
    position: int
    queue: str
    pending: int
    status: StepStatus = StepStatus.PENDING
    due_at: datetime | None = None
    ready_at: datetime | None = None
    token: UUID | None = None
    worker: str = ""
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    progress: float = 0.0
    progress_note: str = ""
    output: Json | None = None
    error: ErrorInfo | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    earlier: list[AttemptRecord] = field(default_factory=list)

    def current_attempt(self) -> list[AttemptRecord]:
        """Return the latest attempt, unless it stands among the earlier ones already."""
        known = {record.number for record in self.earlier}
        return [self.attempt_record()] if self.attempt and self.attempt not in known else []

    def reset(self, pending: int, now: datetime) -> None:
        """Start over, keeping the latest attempt among the earlier ones."""
        self.earlier.extend(self.current_attempt())
        self.status, self.pending, self.error = StepStatus.PENDING, pending, None
        self.failures = self.crashes = 0
        self.started_at = self.ended_at = None
        self.progress, self.progress_note = 0.0, ""
        self.due_at = self.ready_at = None if pending else now

    def is_held(self, claim: Claim, finish: Finish, now: datetime) -> bool:
        """Tell whether the step is still the claim's: the fence of every finish."""
        held = self.status is StepStatus.RUNNING and self.token == claim.token
        if finish.only_expired:
            return held and self.due_at is not None and self.due_at <= now
        return held

    def apply(self, finish: Finish, now: datetime) -> None:
        """Store what became of the step, and the state it leaves."""
        self.status, self.output, self.error = finish.status, finish.output, finish.error
        if finish.only_expired:
            self.token = None
        self.failures, self.crashes = finish.failures, finish.crashes
        self.ended_at, self.due_at = now, None
        if finish.status in CLAIMABLE_STEPS:
            # What a handler said of its work is not why the step waits.
            self.progress, self.progress_note = 0.0, ""
        if finish.status is StepStatus.PENDING:
            self.attempt -= 1
            self.due_at, self.started_at, self.ended_at = now, None, None
        elif finish.status is StepStatus.RETRYING:
            failed = self.attempt_record()
            self.earlier.append(replace(failed, status=StepStatus.FAILED))
            self.due_at = self.ready_at = now + timedelta(seconds=finish.retry_in)
        elif finish.status in DONE_STEPS:
            self.progress = 1.0
        for name, text in finish.state.items():
            if text is None:
                self.run.state.pop(name, None)
            else:
                self.run.state[name] = text

    def attempt_record(self) -> AttemptRecord:
        """Return the latest attempt as a record."""
        return AttemptRecord(
            number=self.attempt,
            status=self.status,
            worker=self.worker,
            queued_at=self.ready_at or self.started_at,
            started_at=self.started_at,
            ended_at=self.ended_at,
            error=self.error,
        )


@dataclass(slots=True)
class RunRow:
    """A run as it stands."""

    new: NewRun
    status: RunStatus
    created_at: datetime
    open_sinks: int
    holds_key: bool
    steps: dict[str, StepRow] = field(default_factory=dict)
    state: dict[str, Json] = field(default_factory=dict)
    events: list[EventRecord] = field(default_factory=list)
    output: Json | None = None
    error: ErrorInfo | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline_at: datetime | None = None

    def note(self, event: NewEvent | None, now: datetime) -> None:
        """Keep the event, if there is one."""
        if event is not None:
            self.events.append(
                EventRecord(
                    run_id=self.new.id,
                    at=now,
                    kind=event.kind,
                    actor=event.actor,
                    reason=event.reason,
                    data=dict(event.data),
                )
            )

    def end(
        self,
        status: RunStatus,
        error: ErrorInfo | None,
        cancelled: Sequence[StepStatus],
        now: datetime,
    ) -> None:
        """End the run, and its steps in the given statuses with it."""
        self.status, self.error, self.ended_at, self.holds_key = status, error, now, False
        self.deadline_at = None
        for row in self.steps.values():
            if row.status in cancelled:
                row.status, row.due_at, row.ended_at = StepStatus.CANCELLED, None, now
                row.token = None


def with_idempotency_key(runs: Iterable[RunRow], new: NewRun) -> RunRow | None:
    """Return the run that has the new one's idempotency key, if it has one."""
    if new.idempotency_key is None:
        return None
    wanted = (new.workflow_id, new.idempotency_key)
    known = (run for run in runs if (run.new.workflow_id, run.new.idempotency_key) == wanted)
    return next(known, None)


def refuse_held_key(runs: Iterable[RunRow], new: NewRun) -> None:
    """Raise ConcurrencyLimitError if an active run holds the run's concurrency key."""
    if new.concurrency_key is None:
        return
    for run in runs:
        if run.holds_key and run.new.concurrency_key == new.concurrency_key:
            raise ConcurrencyLimitError(
                f"run {run.new.id} holds the resource {new.resource_id!r}",
                run_id=str(run.new.id),
                resource_id=new.resource_id,
            )


def after(now: datetime, seconds: float | None) -> datetime | None:
    """Return the time so many seconds later, or None."""
    return None if seconds is None else now + timedelta(seconds=seconds)


def is_due(row: StepRow, now: datetime, queue: str | None) -> bool:
    """Tell whether the step may be claimed; a queue of None is any."""
    return (
        row.status in CLAIMABLE_STEPS
        and row.due_at is not None
        and row.due_at <= now
        and queue in (None, row.queue)
    )


def is_put_off(row: StepRow) -> bool:
    """Tell whether no sweep has told of the step yet, as its run was put off."""
    return row.status is StepStatus.PENDING and row.due_at is not None and row.ready_at is None


def is_to_be_told(row: StepRow, now: datetime, resend_after: float) -> bool:
    """Tell whether a sweep sends a message for the step."""
    is_news = row.status is StepStatus.RETRYING or is_put_off(row)
    return is_due(row, now if is_news else now - timedelta(seconds=resend_after), None)


def hint_for(row: StepRow) -> Hint:
    """Return the message for a ready step."""
    return Hint(run_id=row.run.new.id, queue=row.queue, priority=row.run.new.priority)


def outputs_of(run: RunRow, step_ids: Iterable[str]) -> dict[str, StepOutput]:
    """Return the outputs of those steps that are over."""
    rows = [run.steps[step_id] for step_id in step_ids if step_id in run.steps]
    over = (*DONE_STEPS, StepStatus.FAILED)
    return {
        row.step_id: StepOutput(status=row.status, output=row.output)
        for row in rows
        if row.status in over
    }


def candidate(row: StepRow) -> Candidate:
    """Return a due step as it is shown to a worker."""
    new = row.run.new
    return Candidate(
        run_id=new.id,
        step_id=row.step_id,
        workflow_id=new.workflow_id,
        workflow_version=new.workflow_version,
        fingerprint=new.fingerprint,
    )


def held_steps(runs: Iterable[RunRow]) -> list[StepRow]:
    """Return the steps that somebody holds."""
    steps = (row for run in runs for row in run.steps.values())
    return [row for row in steps if row.status is StepStatus.RUNNING]


def next_end(running: Iterable[StepRow], now: datetime, ahead: float) -> float | None:
    """Return the seconds until the first lease ends, of those that do within so many."""
    ends = [(row.due_at - now).total_seconds() for row in running if row.due_at]
    return min((end for end in ends if 0 < end <= ahead), default=None)


def claim_of(row: StepRow, *, started_run: bool = False, more: bool = False) -> Claim:
    """Return the claim that a held step stands for."""
    new = row.run.new
    assert row.token is not None
    return Claim(
        run_id=new.id,
        step_id=row.step_id,
        row_id=row.row_id,
        token=row.token,
        attempt=row.attempt,
        failures=row.failures,
        crashes=row.crashes,
        queue=row.queue,
        priority=new.priority,
        workflow_id=new.workflow_id,
        workflow_version=new.workflow_version,
        fingerprint=new.fingerprint,
        shared=True,
        started_run=started_run,
        more=more,
    )


def run_record(run: RunRow) -> RunRecord:
    """Return a run's record."""
    new = run.new
    statuses = [row.status for row in run.steps.values()]
    put_off = [row.due_at for row in run.steps.values() if row.due_at and is_put_off(row)]
    running = (row.progress for row in run.steps.values() if row.status is StepStatus.RUNNING)
    return RunRecord(
        id=new.id,
        workflow_id=new.workflow_id,
        workflow_version=new.workflow_version,
        fingerprint=new.fingerprint,
        status=run.status,
        priority=new.priority,
        resource_id=new.resource_id,
        idempotency_key=new.idempotency_key,
        tags=dict(new.tags),
        started_by=new.started_by,
        rerun_of=new.rerun_of,
        concurrency_checked=new.concurrency_key is not None,
        total_steps=new.total_steps,
        done_steps=sum(status in DONE_STEPS for status in statuses),
        failed_steps=statuses.count(StepStatus.FAILED),
        running_progress=sum(running),
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        deadline_at=run.deadline_at,
        run_at=min(put_off, default=None),
        error=run.error,
    )


def step_record(row: StepRow, *, attempts: bool) -> StepRecord:
    """Return a step's record."""
    return StepRecord(
        run_id=row.run.new.id,
        step_id=row.step_id,
        name=row.step_id,
        position=row.position,
        status=row.status,
        pending_parents=row.pending,
        attempt=row.attempt,
        failures=row.failures,
        crashes=row.crashes,
        queue=row.queue,
        worker=row.worker,
        progress=row.progress,
        progress_note=row.progress_note,
        ready_at=row.ready_at,
        due_at=row.due_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=row.error,
        attempts=(*row.earlier, *row.current_attempt()) if attempts else (),
    )
