"""Which cases the fast path takes, and what its rows mean; the same for every database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pydantic_core

from gorkflow.records import RunRecord
from gorkflow.statuses import DONE_STEPS, RunStatus, StepStatus
from gorkflow.stores.base import Claim, Finish, Finished, NewRun, NewStep, Taker
from gorkflow.stores.orm.rows import error_from


class StepRow(NamedTuple):
    """What a statement tells of a step that it has changed."""

    id: int
    step_id: str
    map_index: int
    queue: str
    status: str
    attempt: int
    failures: int
    crashes: int
    is_due: bool


Decided = tuple[Claim | None] | None
"""What became of a claim: one, none, or None where the portable form has to decide."""
NOTHING: Decided = (None,)
Started = tuple[RunRecord, Claim | None] | None
"""A new run, with its first step if somebody takes it; None for the portable form."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

STEP_COLUMNS = StepRow._fields[:-1]


def is_common_start(new: NewRun, taker: Taker | None) -> bool:
    """Tell whether nothing but the run's own rows has to be written, and the taker may begin."""
    graph = (new.workflow_id, new.workflow_version, new.fingerprint)
    return (
        new.run_limit is None
        and new.rerun_event is None
        and new.run_at is None
        and (taker is None or (new.step_limit is None and graph in taker.known))
        and (taker is None or first_entry(new, taker) is not None)
    )


def is_common_finish(claim: Claim, finish: Finish, taker: Taker | None) -> bool:
    """Tell whether the step is over for good and its run goes on, or ends with its one sink."""
    return (
        finish.status in DONE_STEPS
        and finish.error is None
        and not finish.state
        and finish.failures == claim.failures
        and finish.crashes == claim.crashes
        and finish.run_error is None
        and not finish.only_expired
        and not (finish.is_sink and finish.output_sources)
        and (taker is None or taker.knows(claim))
    )


def first_for(taker: Taker | None, steps: Sequence[NewStep]) -> str | None:
    """Return the first of the new steps that the taker may have."""
    if taker is None:
        return None
    return next((new.step_id for new in steps if taker.queue in (None, new.queue)), None)


def first_entry(new: NewRun, taker: Taker | None) -> str | None:
    """Return the step with which the taker begins a new run."""
    return first_for(taker, [step for step in new.steps if not step.pending])


def first_claim(row: StepRow, new: NewRun, taker: Taker) -> Claim:
    """Return the claim of the step with which a run began."""
    return new_claim(
        row,
        new.id,
        taker,
        priority=new.priority,
        workflow=(new.workflow_id, new.workflow_version, new.fingerprint),
        shared=True,
        started_run=True,
        run_input=new.input,
        more=False,
    )


def new_record(new: NewRun, created_at: Any, started_at: Any, deadline_at: Any) -> RunRecord:
    """Return the record of a run that has just been inserted, and perhaps begun."""
    return RunRecord(
        id=new.id,
        workflow_id=new.workflow_id,
        workflow_version=new.workflow_version,
        fingerprint=new.fingerprint,
        status=RunStatus.PENDING if started_at is None else RunStatus.RUNNING,
        priority=new.priority,
        resource_id=new.resource_id,
        idempotency_key=new.idempotency_key,
        tags=dict(new.tags),
        started_by=new.started_by,
        rerun_of=new.rerun_of,
        concurrency_checked=new.concurrency_key is not None,
        total_steps=new.total_steps,
        created_at=created_at,
        started_at=started_at,
        deadline_at=deadline_at,
    )


def new_claim(  # noqa: PLR0913
    row: StepRow,
    run_id: UUID,
    taker: Taker,
    *,
    priority: int,
    workflow: tuple[str, str, str],
    shared: bool,
    started_run: bool,
    run_input: str | None,
    more: bool,
) -> Claim:
    """Return the claim of a step that a message led to.

    Args:
        row: as it is after it was taken.
        run_id: of its run.
        taker: who took it.
        priority: of its run.
        workflow: id, version and fingerprint.
        shared: whether others may see it before it is finished.
        started_run: whether it is the first step that its run begins with.
        run_input: if it was read along.
        more: whether others of its run were due, too.

    """
    workflow_id, version, fingerprint = workflow
    return Claim(
        run_id=run_id,
        step_id=row.step_id,
        map_index=row.map_index,
        row_id=row.id,
        token=taker.token,
        attempt=row.attempt,
        failures=row.failures,
        crashes=row.crashes,
        queue=row.queue,
        priority=priority,
        workflow_id=workflow_id,
        workflow_version=version,
        fingerprint=fingerprint,
        shared=shared,
        started_run=started_run,
        run_input=run_input,
        more=more,
    )


def claim_from(row: StepRow, claim: Claim, token: UUID) -> Claim:
    """Return the claim of a step of the same run."""
    return Claim(
        run_id=claim.run_id,
        step_id=row.step_id,
        map_index=row.map_index,
        row_id=row.id,
        token=token,
        attempt=row.attempt,
        failures=row.failures,
        crashes=row.crashes,
        queue=row.queue,
        priority=claim.priority,
        workflow_id=claim.workflow_id,
        workflow_version=claim.workflow_version,
        fingerprint=claim.fingerprint,
        shared=claim.shared,
    )


def follower(finish: Finish, taker: Taker | None) -> NewStep | None:
    """Return the one step that follows, as in a chain, if the taker goes on with it."""
    if taker is None or finish.joins or len(finish.inserts) != 1:
        return None
    step = finish.inserts[0]
    return step if taker.queue in (None, step.queue) else None


def followed(claim: Claim, finish: Finish, taker: Taker, step: NewStep, row_id: int) -> Finished:
    """Return what a finish did that inserted one step for its taker."""
    row = StepRow(row_id, step.step_id, 0, step.queue, StepStatus.RUNNING, 1, 0, 0, True)
    return Finished(
        accepted=True,
        status=finish.status,
        run_status=RunStatus.RUNNING,
        claim=claim_from(row, claim, taker.token),
        ready=[],
    )


def closed(finish: Finish, ended_at: datetime | None) -> Finished:
    """Return what a finish did that ended its run."""
    return Finished(
        accepted=True,
        status=finish.status,
        run_status=RunStatus.COMPLETED,
        ended_run=True,
        ended_at=ended_at,
    )


def taken_and_ready(rows: Sequence[StepRow], finished: int) -> tuple[StepRow | None, list[str]]:
    """Return the row that is the taker's now, and the queues of those that wait for somebody."""
    others = [row for row in rows if row.id != finished]
    taken = next((row for row in others if row.status == StepStatus.RUNNING), None)
    ready = [row.queue for row in others if row.is_due and row.status == StepStatus.PENDING]
    return taken, ready


def time_of(microseconds: int | None) -> datetime | None:
    """Return the time so many microseconds after the beginning of 1970."""
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def run_record(row: Sequence[Any]) -> RunRecord:
    """Return the record of a run from its columns, with its steps counted."""
    (
        run_id, workflow_id, workflow_version, fingerprint, status, priority, resource_id,
        idempotency_key, tags, started_by, rerun_of, is_checked, total, done, failed, running,
        created_at, started_at, ended_at, deadline_at, error,
    ) = row  # fmt: skip
    return RunRecord(
        id=run_id,
        workflow_id=workflow_id,
        workflow_version=workflow_version,
        fingerprint=fingerprint,
        status=RunStatus(status),
        priority=priority,
        resource_id=resource_id,
        idempotency_key=idempotency_key,
        tags=pydantic_core.from_json(tags),
        started_by=started_by,
        rerun_of=rerun_of,
        concurrency_checked=bool(is_checked),
        total_steps=total,
        done_steps=done,
        failed_steps=failed,
        running_progress=running,
        created_at=created_at,
        started_at=started_at,
        ended_at=ended_at,
        deadline_at=deadline_at,
        error=None if error is None else error_from(pydantic_core.from_json(error)),
    )
