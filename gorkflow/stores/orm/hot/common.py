"""Which cases the fast path takes, and what its rows mean; the same for every database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import pydantic_core

from gorkflow.records import RunRecord
from gorkflow.statuses import DONE_STEPS, RunStatus, StepStatus
from gorkflow.stores.base import Claim, Finish, NewRun, NewStep, Taker
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


STEP_COLUMNS = StepRow._fields[:-1]


def is_common_start(new: NewRun) -> bool:
    """Tell whether nothing but the run's own rows has to be written."""
    return new.run_limit is None and new.rerun_event is None


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


def taken_and_ready(rows: Sequence[StepRow], finished: int) -> tuple[StepRow | None, list[str]]:
    """Return the row that is the taker's now, and the queues of those that wait for somebody."""
    others = [row for row in rows if row.id != finished]
    taken = next((row for row in others if row.status == StepStatus.RUNNING), None)
    ready = [row.queue for row in others if row.is_due and row.status == StepStatus.PENDING]
    return taken, ready


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
