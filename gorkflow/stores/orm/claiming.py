"""Claiming: from a due row to a held one, within the limits of its run and workflow.

Every function here runs inside a write transaction that has locked the run row (on SQLite the
whole database), so what it counts stays true until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connections
from django.db.models import OuterRef, Subquery

from gorkflow.dispatch.base import Hint
from gorkflow.models import AdmissionLock, StepExecution, WorkflowRun
from gorkflow.statuses import ACTIVE_RUNS, CLAIMABLE_STEPS, RunStatus, StepStatus
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
    # A row that merely refers to the run (an atomic step wrote one) must not stand in the way.
    no_key = connections[using].features.has_select_for_no_key_update
    return runs.select_for_update(no_key=no_key).filter(pk=run_id).first()


def lock_admissions(run_id: UUID, using: str) -> None:
    """If the run still has to be admitted under a run limit, let nobody else be admitted."""
    waiting = WorkflowRun.objects.using(using).filter(
        pk=run_id, status=RunStatus.PENDING, run_limit__isnull=False
    )
    workflow_id = waiting.values_list("workflow_id", flat=True).first()
    if workflow_id is None:
        return
    AdmissionLock.objects.using(using).select_for_update().get(workflow_id=workflow_id)


def ensure_admission_lock(workflow_id: str, using: str) -> None:
    """Make the row that admissions lock, at a start: claims that insert it together deadlock."""
    locks = AdmissionLock.objects.using(using)
    if not locks.filter(workflow_id=workflow_id).exists():
        locks.bulk_create([AdmissionLock(workflow_id=workflow_id)], ignore_conflicts=True)


def admissible(run: WorkflowRun, using: str) -> list[WorkflowRun]:
    """Return the pending runs of its version that the workflow's limit lets in, oldest first.

    Those that have nothing to do yet, as they are put off, keep no other out.
    The limit counts every version. The order holds within one: a run of a version that no worker
    knows any more must not keep the others out.
    """
    assert run.run_limit is not None
    runs = WorkflowRun.objects.using(using).filter(workflow_id=run.workflow_id)
    free = run.run_limit - runs.filter(status=RunStatus.RUNNING).count()
    if free <= 0:
        return []
    due = StepExecution.objects.due_in(OuterRef("pk"), DatabaseTime()).order_by()
    # Not as a condition that EXISTS: a database that joins the two tables looks at every pending
    # run, where the first few that it comes to by their index are enough.
    pending = runs.alias(due=Subquery(due.values("pk")[:1])).filter(
        due__isnull=False, status=RunStatus.PENDING, workflow_version=run.workflow_version
    )
    return list(pending.order_by("created_at", "id").only(*RUN_COLUMNS)[:free])


def is_admitted(run: WorkflowRun, using: str) -> bool:
    """Tell whether steps of the run may be claimed at all."""
    if run.status == RunStatus.PENDING and run.run_limit is not None:
        return run in admissible(run, using)
    return run.status in ACTIVE_RUNS


def claim_any(run: WorkflowRun, taker: Taker, using: str, *, shared: bool) -> Claim | None:
    """Claim one due step of the locked run that the taker has the code for."""
    if not is_admitted(run, using) or _is_full(run, using) or is_overdue(run, using):
        return None
    steps = StepExecution.objects.using(using).without_payloads().filter(run_id=run.id)
    if taker.queue is not None:
        steps = steps.filter(queue=taker.queue)
    for status in CLAIMABLE_STEPS:
        # One status at a time, in the order of the index: the first due row is the first read.
        due = steps.filter(status=status, due_at__lte=DatabaseTime()).order_by("due_at", "id")
        found = list(due[:CANDIDATES])
        for row in found:
            if reason := taker.refuse(candidate(row, run)):
                _park(row, reason, using)
            elif take(row, taker, using):
                began = _begin(run, using)
                return claim_of(row, run, shared=shared, started_run=began, more=len(found) > 1)
    return None


def _park(row: StepExecution, reason: str, using: str) -> None:
    """Keep the reason for readers; it is written once, however often somebody looks."""
    if row.progress_note != reason:
        StepExecution.objects.using(using).filter(pk=row.pk).update(progress_note=reason)


def held_by(run: WorkflowRun, taker: Taker, using: str, *, shared: bool) -> Claim | None:
    """Return what an earlier call has claimed for this very taker."""
    steps = StepExecution.objects.using(using).without_payloads()
    row = steps.held().filter(run_id=run.id, token=taker.token).first()
    return None if row is None else claim_of(row, run, shared=shared)


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


def insert_steps(
    run_id: UUID, steps: Iterable[NewStep], using: str, *, run_at: datetime | None = None
) -> list[StepExecution]:
    """Insert step rows; those that wait for no parent are due at once, or at `run_at`."""
    now = DatabaseTime()
    rows = [
        StepExecution(
            run_id=run_id,
            step_id=new.step_id,
            position=new.position,
            queue=new.queue,
            pending=new.pending,
            status=StepStatus.PENDING,
            due_at=None if new.pending else run_at or now,
            ready_at=None if new.pending or run_at else now,
        )
        for new in steps
    ]
    return StepExecution.objects.using(using).bulk_create(rows, batch_size=200)


def waiting_queues(run: WorkflowRun, using: str, limit: int) -> list[str]:
    """Return the queues of due steps of a run, one entry a step."""
    due = StepExecution.objects.using(using).due_in(run.id, DatabaseTime())
    return list(due.order_by().values_list("queue", flat=True)[:limit])


def wake(ended: UUID, using: str) -> list[Hint]:
    """Return messages for the runs that may start now that this one has ended.

    To be asked after the commit: whoever was not let in because of this run is seen by then.
    """
    runs = WorkflowRun.objects.using(using).only(*RUN_COLUMNS)
    limited = runs.filter(pk=ended, run_limit__isnull=False).first()
    if limited is None:
        return []
    return [
        Hint(run_id=run.id, queue=queue, priority=run.priority)
        for run in admissible(limited, using)
        for queue in waiting_queues(run, using, CANDIDATES)
    ]


def _is_full(run: WorkflowRun, using: str) -> bool:
    if run.step_limit is None:
        return False
    held = StepExecution.objects.using(using).held().filter(run_id=run.id)
    return held.count() >= run.step_limit


def is_overdue(run: WorkflowRun, using: str) -> bool:
    """Tell whether the run's deadline has passed, by the database's time."""
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
