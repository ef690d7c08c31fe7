"""Between rows and records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q, Sum

from gorkflow.models import StepAttempt, StepExecution, WorkflowRun
from gorkflow.records import AttemptRecord, ErrorInfo, RunRecord, StepRecord
from gorkflow.statuses import DONE_STEPS, RunStatus, StepStatus
from gorkflow.stores.base import Candidate, Claim

RUN_COLUMNS = (
    "id",
    "workflow_id",
    "workflow_version",
    "definition_id",
    "status",
    "priority",
    "resource_id",
    "idempotency_key",
    "concurrency_key",
    "tags",
    "error",
    "started_by",
    "rerun_of_id",
    "total_steps",
    "open_sinks",
    "step_limit",
    "run_limit",
    "timeout",
    "created_at",
    "started_at",
    "ended_at",
    "deadline_at",
)


PUT_OFF = Q(status=StepStatus.PENDING, ready_at=None, due_at__isnull=False)
"""Steps of which no sweep has told yet that the time has come for which their run was put off."""


def error_from(data: Mapping[str, Any] | None) -> ErrorInfo | None:
    """Return a stored error."""
    return None if data is None else ErrorInfo.from_dict(data)


def error_data(error: ErrorInfo | None) -> dict[str, Any] | None:
    """Return an error as it is stored."""
    return None if error is None else error.to_dict()


def count_steps(run_ids: Iterable[UUID], using: str) -> dict[UUID, dict[str, Any]]:
    """Return, for each run that has step rows, how many are over and what running ones report.

    And until when it is put off.
    """
    rows = (
        StepExecution.objects.using(using)
        .filter(run_id__in=list(run_ids))
        .order_by()
        .values("run_id")
        .annotate(
            done=Count("id", filter=Q(status__in=DONE_STEPS)),
            failed=Count("id", filter=Q(status=StepStatus.FAILED)),
            retried=Count("id", filter=Q(attempt__gt=1)),
            running=Sum("progress", filter=Q(status=StepStatus.RUNNING)),
            run_at=Min("due_at", filter=PUT_OFF),
        )
    )
    return {row["run_id"]: dict(row) for row in rows}


def run_record(run: WorkflowRun, counts: Mapping[str, Any] | None = None) -> RunRecord:
    """Return a run's record; without counts none of its steps is over."""
    counts = counts or {}
    return RunRecord(
        id=run.id,
        workflow_id=run.workflow_id,
        workflow_version=run.workflow_version,
        fingerprint=run.definition_id,
        status=RunStatus(run.status),
        priority=run.priority,
        resource_id=run.resource_id,
        idempotency_key=run.idempotency_key,
        tags=run.tags,
        started_by=run.started_by,
        rerun_of=run.rerun_of_id,
        concurrency_checked=run.concurrency_key is not None,
        total_steps=run.total_steps,
        done_steps=counts.get("done", 0),
        failed_steps=counts.get("failed", 0),
        running_progress=counts.get("running") or 0.0,
        created_at=run.created_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        deadline_at=run.deadline_at,
        run_at=counts.get("run_at"),
        error=error_from(run.error),
    )


def with_run_at(record: RunRecord, using: str) -> RunRecord:
    """Return the record with the time for which the run is put off, if it may be."""
    if record.status is not RunStatus.PENDING or record.started_at is not None:
        return record
    steps = StepExecution.objects.using(using).filter(PUT_OFF, run_id=record.id)
    run_at = steps.order_by("due_at").values_list("due_at", flat=True).first()
    return record if run_at is None else replace(record, run_at=run_at)


def counted_record(run: WorkflowRun, using: str) -> RunRecord:
    """Return a run's record with its steps counted."""
    return run_record(run, count_steps([run.id], using).get(run.id))


def step_record(row: StepExecution, earlier: Sequence[AttemptRecord] | None = None) -> StepRecord:
    """Return a step's record, with its attempts if the earlier ones are given."""
    return StepRecord(
        run_id=row.run_id,
        step_id=row.step_id,
        name=row.step_id,
        map_index=row.map_index,
        position=row.position,
        status=StepStatus(row.status),
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
        error=error_from(row.error),
        attempts=() if earlier is None else (*earlier, *current_attempt(row, earlier)),
    )


def current_attempt(row: StepExecution, earlier: Sequence[AttemptRecord]) -> list[AttemptRecord]:
    """Return the latest attempt, unless it stands among the earlier ones already."""
    if row.attempt == 0 or row.attempt in {record.number for record in earlier}:
        return []
    return [_attempt(row, number=row.attempt)]


def attempt_record(row: StepAttempt) -> AttemptRecord:
    """Return an earlier attempt's record."""
    return _attempt(row, number=row.number)


def _attempt(row: StepAttempt | StepExecution, *, number: int) -> AttemptRecord:
    return AttemptRecord(
        number=number,
        status=StepStatus(row.status),
        worker=row.worker,
        queued_at=row.ready_at or row.started_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        error=error_from(row.error),
    )


def candidate(row: StepExecution, run: WorkflowRun) -> Candidate:
    """Return a due step as it is shown to a worker."""
    return Candidate(
        run_id=run.id,
        step_id=row.step_id,
        workflow_id=run.workflow_id,
        workflow_version=run.workflow_version,
        fingerprint=run.definition_id,
    )


def claim_of(
    row: StepExecution,
    run: WorkflowRun,
    *,
    shared: bool,
    started_run: bool = False,
    more: bool = False,
) -> Claim:
    """Return the claim that a RUNNING row stands for."""
    assert row.token is not None
    return Claim(
        run_id=run.id,
        step_id=row.step_id,
        map_index=row.map_index,
        row_id=row.pk,
        token=row.token,
        attempt=row.attempt,
        failures=row.failures,
        crashes=row.crashes,
        queue=row.queue,
        priority=run.priority,
        workflow_id=run.workflow_id,
        workflow_version=run.workflow_version,
        fingerprint=run.definition_id,
        shared=shared,
        started_run=started_run,
        more=more,
    )
