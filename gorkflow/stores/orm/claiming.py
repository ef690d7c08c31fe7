"""Claiming: from a due row to a held one, within the limits of its run and workflow.

Every function here runs inside a write transaction that has locked the run row (on SQLite the
whole database), so what it counts stays true until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from gorkflow.dispatch.base import Hint
from gorkflow.models import AdmissionLock, StepExecution, WorkflowRun
from gorkflow.statuses import CLAIMABLE_STEPS, RunStatus, StepStatus
from gorkflow.stores.base import Claim, NewStep, Taker
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.rows import RUN_COLUMNS, candidate, claim_of

CANDIDATES = 20
"""Due steps looked at; beyond that many unknown ones the run waits for newer workers anyway."""


def lock_run(run_id: UUID, using: str) -> WorkflowRun | None:
    """Lock and return the run; None if there is no such run.

    Lock order everywhere: admission lock, run, then steps.
    """
    runs = WorkflowRun.objects.using(using).only(*RUN_COLUMNS)
    return runs.select_for_update().filter(pk=run_id).first()


def lock_admissions(run_id: UUID, using: str) -> None:
    """If the run still has to be admitted under a run limit, let nobody else be admitted."""
    waiting = WorkflowRun.objects.using(using).filter(
        pk=run_id, status=RunStatus.PENDING, run_limit__isnull=False
    )
    workflow_id = waiting.values_list("workflow_id", flat=True).first()
    if workflow_id is not None:
        locks = AdmissionLock.objects.using(using)
        locks.bulk_create([AdmissionLock(workflow_id=workflow_id)], ignore_conflicts=True)
        locks.select_for_update().get(workflow_id=workflow_id)


def admissible(workflow_id: str, run_limit: int, using: str) -> list[WorkflowRun]:
    """Return the pending runs that may start now, oldest first."""
    runs = WorkflowRun.objects.using(using).filter(workflow_id=workflow_id)
    free = run_limit - runs.filter(status=RunStatus.RUNNING).count()
    if free <= 0:
        return []
    pending = runs.filter(status=RunStatus.PENDING).order_by("created_at", "id")
    return list(pending.only(*RUN_COLUMNS)[:free])


def is_admitted(run: WorkflowRun, using: str) -> bool:
    """Tell whether steps of the run may be claimed at all."""
    if run.status == RunStatus.PENDING and run.run_limit is not None:
        return run in admissible(run.workflow_id, run.run_limit, using)
    return run.status in (RunStatus.PENDING, RunStatus.RUNNING)


def claim_any(run: WorkflowRun, taker: Taker, using: str, *, shared: bool) -> Claim | None:
    """Claim one due step of the locked run that the taker has the code for."""
    if not is_admitted(run, using) or _is_full(run, using) or _is_overdue(run, using):
        return None
    rows = StepExecution.objects.using(using).without_payloads().due(DatabaseTime())
    rows = rows.filter(run_id=run.id)
    if taker.queue is not None:
        rows = rows.filter(queue=taker.queue)
    for row in rows.order_by("position", "id")[:CANDIDATES]:
        if taker.accept(candidate(row, run)) and take(row, taker, using):
            return claim_of(row, run, shared=shared, started_run=_begin(run, using))
    return None


def take(row: StepExecution, taker: Taker, using: str) -> bool:
    """Claim the row by compare-and-swap; False if somebody else was first."""
    taken = StepExecution.objects.using(using).filter(
        pk=row.pk, status__in=CLAIMABLE_STEPS, due_at__isnull=False, attempt=row.attempt
    )
    row.status, row.token, row.worker = StepStatus.RUNNING, taker.token, taker.worker
    row.attempt += 1
    return bool(
        taken.update(
            status=row.status,
            token=row.token,
            worker=row.worker,
            attempt=row.attempt,
            due_at=DatabaseTime(taker.lease),
            started_at=DatabaseTime(),
            ended_at=None,
            progress=0.0,
            progress_note="",
        )
    )


def insert_steps(run_id: UUID, steps: Iterable[NewStep], using: str) -> list[StepExecution]:
    """Insert step rows; those that wait for no parent are due at once."""
    rows = [
        StepExecution(
            run_id=run_id,
            step_id=new.step_id,
            position=new.position,
            queue=new.queue,
            pending=new.pending,
            status=StepStatus.PENDING,
            due_at=None if new.pending else DatabaseTime(),
            ready_at=None if new.pending else DatabaseTime(),
        )
        for new in steps
    ]
    return StepExecution.objects.using(using).bulk_create(rows, batch_size=200)


def waiting_hints(run: WorkflowRun, using: str) -> list[Hint]:
    """Return a message for each due step of a run."""
    queues = (
        StepExecution.objects.using(using)
        .due(DatabaseTime())
        .filter(run_id=run.id)
        .values_list("queue", flat=True)
    )
    return [Hint(run_id=run.id, queue=queue, priority=run.priority) for queue in queues]


def wake(ended: WorkflowRun, using: str) -> list[Hint]:
    """Return messages for the runs that may start now that this one has ended."""
    if ended.run_limit is None:
        return []
    runs = admissible(ended.workflow_id, ended.run_limit, using)
    return [hint for run in runs for hint in waiting_hints(run, using)]


def _is_full(run: WorkflowRun, using: str) -> bool:
    if run.step_limit is None:
        return False
    held = StepExecution.objects.using(using).held().filter(run_id=run.id)
    return held.count() >= run.step_limit


def _is_overdue(run: WorkflowRun, using: str) -> bool:
    if run.deadline_at is None:
        return False
    runs = WorkflowRun.objects.using(using)
    return runs.filter(pk=run.pk, deadline_at__lte=DatabaseTime()).exists()


def _begin(run: WorkflowRun, using: str) -> bool:
    if run.status != RunStatus.PENDING:
        return False
    begun = {"started_at": DatabaseTime()} if run.started_at is None else {}
    run.status = RunStatus.RUNNING
    WorkflowRun.objects.using(using).filter(pk=run.pk).update(status=run.status, **begun)
    return True
