"""Creating a run: its row, its first steps, the snapshot of its graph, and what is in the way."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from gorkflow.errors import ConcurrencyLimitError
from gorkflow.models import DefinitionSnapshot, WorkflowRun
from gorkflow.models.fields import JsonText
from gorkflow.records import RunRecord
from gorkflow.statuses import RunStatus
from gorkflow.stores.base import NewRun
from gorkflow.stores.orm.claiming import ensure_admission_lock, insert_steps
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.events import record_event
from gorkflow.stores.orm.holding import hold
from gorkflow.stores.orm.rows import RUN_COLUMNS, counted_record, run_record
from gorkflow.stores.orm.transactions import write_transaction

TRIES = 5


def create_run(new: NewRun, using: str) -> tuple[RunRecord, bool]:
    """Insert a run with its first step rows; return it and whether it is new."""
    with write_transaction(using):
        if new.run_limit is not None:
            ensure_admission_lock(new.workflow_id, using)
        for tries_left in reversed(range(TRIES)):
            _hold_snapshot(new, using)
            try:
                # A savepoint, so that the caller's transaction survives a conflict.
                with transaction.atomic(using=using):
                    _run_row(new).save(using=using, force_insert=True)
                break
            except IntegrityError:
                if (found := _existing(new, using)) is not None:
                    return found
                # What was in the way has ended or been pruned meanwhile.
                if not tries_left:
                    raise
        insert_steps(new.id, new.steps, using, run_at=new.run_at)
        if new.rerun_of is not None and hold(WorkflowRun, new.rerun_of, using):
            record_event(new.rerun_of, new.rerun_event, using)
        run = WorkflowRun.objects.using(using).only(*RUN_COLUMNS).get(pk=new.id)
        return run_record(run, {"run_at": new.run_at}), True


def _hold_snapshot(new: NewRun, using: str) -> None:
    """Store the graph unless it is there, and keep it from being pruned until the commit."""
    while not hold(DefinitionSnapshot, new.fingerprint, using):
        snapshot = DefinitionSnapshot(
            fingerprint=new.fingerprint,
            workflow_id=new.workflow_id,
            workflow_version=new.workflow_version,
            graph=JsonText(new.graph),
            created_at=DatabaseTime(),
        )
        snapshots = DefinitionSnapshot.objects.using(using)
        snapshots.bulk_create([snapshot], ignore_conflicts=True)


def _existing(new: NewRun, using: str) -> tuple[RunRecord, bool] | None:
    """Return the run that is in the way and whether it is ours, or say who holds the resource.

    None if it is gone.
    """
    runs = WorkflowRun.objects.using(using).only(*RUN_COLUMNS)
    mine = runs.filter(pk=new.id).first()
    if mine is not None:
        # Committed by a try before, whose answer was lost.
        return counted_record(mine, using), True
    if new.idempotency_key is not None:
        known = runs.filter(
            workflow_id=new.workflow_id, idempotency_key=new.idempotency_key
        ).first()
        if known is not None:
            return counted_record(known, using), False
    refuse_held_key(new.concurrency_key, new.resource_id, using)
    return None


def refuse_held_key(key: str | None, resource_id: str, using: str) -> None:
    """Raise ConcurrencyLimitError if an active run holds the key."""
    if key is None:
        return
    holder = WorkflowRun.objects.using(using).filter(active_key=key)
    holder_id = holder.values_list("id", flat=True).first()
    if holder_id is not None:
        raise ConcurrencyLimitError(
            f"run {holder_id} holds the resource {resource_id!r}",
            run_id=str(holder_id),
            resource_id=resource_id,
        )


def _run_row(new: NewRun) -> WorkflowRun:
    return WorkflowRun(
        id=new.id,
        workflow_id=new.workflow_id,
        workflow_version=new.workflow_version,
        definition_id=new.fingerprint,
        status=RunStatus.PENDING,
        priority=new.priority,
        resource_id=new.resource_id,
        idempotency_key=new.idempotency_key,
        concurrency_key=new.concurrency_key,
        active_key=new.concurrency_key,
        tags=dict(new.tags),
        input=JsonText(new.input),
        context=None if new.context is None else JsonText(new.context),
        started_by=new.started_by,
        rerun_of_id=new.rerun_of,
        total_steps=new.total_steps,
        open_sinks=new.sinks,
        step_limit=new.step_limit,
        run_limit=new.run_limit,
        timeout=new.timeout,
        created_at=DatabaseTime(),
        deadline_at=_deadline(new),
    )


def _deadline(new: NewRun) -> datetime | DatabaseTime | None:
    if new.timeout is None:
        return None
    return new.put_off_deadline or DatabaseTime(new.timeout)
