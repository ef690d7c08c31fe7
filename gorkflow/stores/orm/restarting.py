"""Making an ended run PENDING again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import F

from gorkflow.errors import ConcurrencyLimitError
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.records import RunRecord, StepRecord
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import Restart
from gorkflow.stores.orm import creating, events, finishing
from gorkflow.stores.orm.claiming import insert_steps
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.rows import counted_record, step_record


def restart(
    run: WorkflowRun,
    decide: Callable[[RunRecord, Sequence[StepRecord]], Restart],
    using: str,
) -> None:
    """Do to the locked run what `decide` makes of it and its steps."""
    rows = list(StepExecution.objects.using(using).without_payloads().filter(run_id=run.pk))
    change = decide(counted_record(run, using), [step_record(row) for row in rows])
    creating.refuse_held_key(run.concurrency_key, run.resource_id, using)
    try:
        with transaction.atomic(using=using):
            _reopen(run, change.open_sinks, using)
    except IntegrityError:
        # Somebody took the resource between the look and the write.
        raise ConcurrencyLimitError(
            f"the resource {run.resource_id!r} is held", resource_id=run.resource_id
        ) from None
    _reset_steps([row for row in rows if row.step_id in change.reset], change.reset, using)
    insert_steps(run.pk, change.inserts, using)
    events.record_event(run.pk, change.event, using)


def _reopen(run: WorkflowRun, open_sinks: int, using: str) -> None:
    WorkflowRun.objects.using(using).filter(pk=run.pk).update(
        status=RunStatus.PENDING,
        error=None,
        ended_at=None,
        active_key=F("concurrency_key"),
        open_sinks=open_sinks,
        deadline_at=None if run.timeout is None else DatabaseTime(run.timeout),
    )


def _reset_steps(rows: Sequence[StepExecution], pending: Mapping[str, int], using: str) -> None:
    finishing.record_attempts([row for row in rows if row.attempt > 0], using)
    steps = StepExecution.objects.using(using)
    for row in rows:
        waits_for = pending[row.step_id]
        steps.filter(pk=row.pk).update(
            status=StepStatus.PENDING,
            pending=waits_for,
            error=None,
            failures=0,
            crashes=0,
            started_at=None,
            ended_at=None,
            progress=0.0,
            progress_note="",
            due_at=None if waits_for else DatabaseTime(),
            ready_at=None if waits_for else DatabaseTime(),
        )
