"""Finishing: one short transaction from a held step to its result and what it makes ready."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F

from gorkflow.models import RunState, StepAttempt, StepExecution, WorkflowRun
from gorkflow.models.fields import JsonText, PayloadText
from gorkflow.models.querysets import StepQuerySet
from gorkflow.records import ErrorInfo, Json
from gorkflow.statuses import (
    ACTIVE_RUNS,
    CLAIMABLE_STEPS,
    DONE_STEPS,
    RunStatus,
    StepStatus,
)
from gorkflow.stores.base import Claim, Finish, Finished, StepOutput, Taker
from gorkflow.stores.orm.claiming import (
    CANDIDATES,
    claim_any,
    held_by,
    insert_steps,
    lock_run,
    waiting_queues,
)
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.rows import error_data


def finish_step(claim: Claim, finish: Finish, taker: Taker | None, using: str) -> Finished:
    """Apply a finish inside the caller's write transaction."""
    run = lock_run(claim.run_id, using)
    if run is None:
        return Finished(accepted=False)
    was_active = run.status in ACTIVE_RUNS
    asked, finish = finish, finish.for_run(RunStatus(run.status))
    if not _store_step(claim, finish, using):
        if finish.only_expired:
            return Finished(accepted=False)
        return _read_back(run, claim, asked, taker, using)
    _store_state(claim.run_id, finish.state, using)
    if finish.run_error is not None:
        close_run(run, RunStatus.FAILED, finish.run_error, CLAIMABLE_STEPS, using=using)
    elif finish.is_sink:
        _close_sink(run, finish, using)
    if run.status not in ACTIVE_RUNS:
        return _ended(run, finish.status, by_this=was_active)
    ready = [row.queue for row in _make_ready(run.id, finish, using)]
    # A run that waits to be let in is let in by `claim` alone, which holds the admission lock.
    waits = run.status == RunStatus.PENDING and run.run_limit is not None
    taken = None
    if taker is not None and finish.status is not StepStatus.PENDING and not waits:
        taken = claim_any(run, taker, using, shared=claim.shared)
    if run.step_limit is not None:
        # The place that became free may be for a step whose message came while there was none.
        ready = waiting_queues(run, using, run.step_limit)
    elif taken is not None and taken.queue in ready:
        ready.remove(taken.queue)
    return Finished(
        accepted=True,
        status=finish.status,
        run_status=RunStatus(run.status),
        claim=taken,
        ready=ready,
    )


def _ended(run: WorkflowRun, status: StepStatus, *, by_this: bool) -> Finished:
    return Finished(
        accepted=True,
        status=status,
        run_status=RunStatus(run.status),
        ended_run=by_this,
    )


def close_run(  # noqa: PLR0913
    run: WorkflowRun,
    status: RunStatus,
    error: ErrorInfo | None,
    cancelled: Sequence[StepStatus],
    *,
    using: str,
    output: Json | None = None,
) -> None:
    """End the locked run, and its steps in the given statuses with it."""
    run.status = status
    result = {"output": JsonText(output)} if output is not None else {}
    WorkflowRun.objects.using(using).filter(pk=run.pk).update(
        status=status,
        error=error_data(error),
        ended_at=DatabaseTime(),
        active_key=None,
        # Only runs that can be late stand in the index of deadlines.
        deadline_at=None,
        open_sinks=run.open_sinks,
        **result,
    )
    if cancelled:
        # No token: the result of a handler that is still running will be refused.
        StepExecution.objects.using(using).filter(run_id=run.pk, status__in=cancelled).update(
            status=StepStatus.CANCELLED, due_at=None, token=None, ended_at=DatabaseTime()
        )


def load_outputs(run_id: UUID, step_ids: Iterable[str], using: str) -> dict[str, StepOutput]:
    """Return the outputs of those steps that are over."""
    wanted = list(step_ids)
    if not wanted:
        return {}
    rows = StepExecution.objects.using(using).filter(
        run_id=run_id, step_id__in=wanted, status__in=(*DONE_STEPS, StepStatus.FAILED)
    )
    return {
        step_id: StepOutput(status=StepStatus(status), output=output)
        for step_id, status, output in rows.order_by().values_list(
            "step_id", "status", PayloadText("output")
        )
    }


def record_attempts(rows: Sequence[StepExecution], using: str, **changes: Any) -> None:
    """Keep the rows' latest attempts, unless they are kept: another one is about to begin."""
    attempts = StepAttempt.objects.using(using)
    known = set(attempts.filter(step__in=rows).values_list("step_id", "number"))
    attempts.bulk_create(
        [
            StepAttempt(
                step_id=row.pk,
                **{
                    "number": row.attempt,
                    "status": row.status,
                    "worker": row.worker,
                    "error": row.error,
                    "ready_at": row.ready_at,
                    "started_at": row.started_at,
                    "ended_at": row.ended_at,
                    **changes,
                },
            )
            for row in rows
            if (row.pk, row.attempt) not in known
        ]
    )


def _held(claim: Claim, finish: Finish, using: str) -> StepQuerySet:
    """Select the step if it is still the claim's: the fence of every write."""
    held = StepExecution.objects.using(using).held().filter(pk=claim.row_id, token=claim.token)
    return held.filter(due_at__lte=DatabaseTime()) if finish.only_expired else held


def _store_step(claim: Claim, finish: Finish, using: str) -> bool:
    """Store the result, if the step is still the claim's."""
    held = _held(claim, finish, using)
    changes: dict[str, Any] = {"ended_at": DatabaseTime(), "due_at": None}
    row = None
    if finish.status in CLAIMABLE_STEPS:
        # What a handler said of its work is not why the step waits.
        changes.update(progress=0.0, progress_note="")
    if finish.status is StepStatus.RETRYING:
        due = DatabaseTime(finish.retry_in)
        changes.update(due_at=due, ready_at=due)
        row = held.without_payloads().first()
    elif finish.status is StepStatus.PENDING:
        given_back = {"attempt": claim.attempt - 1, "started_at": None, "token": None}
        changes.update(due_at=DatabaseTime(), ended_at=None, **given_back)
    elif finish.status in DONE_STEPS:
        changes["progress"] = 1.0
    if finish.only_expired:
        changes["token"] = None
    if finish.output is not None:
        changes["output"] = JsonText(finish.output)
    error = error_data(finish.error)
    stored = held.update(
        status=finish.status,
        error=error,
        failures=finish.failures,
        crashes=finish.crashes,
        **changes,
    )
    if stored and row is not None:
        # Only now: a heartbeat may have renewed the lease since the row was read.
        ended = {"status": StepStatus.FAILED, "error": error, "ended_at": DatabaseTime()}
        record_attempts([row], using, **ended)
    return bool(stored)


def _store_state(run_id: UUID, state: Mapping[str, Json | None], using: str) -> None:
    gone = [name for name, text in state.items() if text is None]
    kept = [
        RunState(run_id=run_id, name=name, value=JsonText(text))
        for name, text in state.items()
        if text is not None
    ]
    states = RunState.objects.using(using)
    if gone:
        states.filter(run_id=run_id, name__in=gone).delete()
    if kept:
        # Rows first seen by two steps at once would collide; the run's lock keeps them in line.
        wanted = states.filter(run_id=run_id, name__in=[row.name for row in kept])
        known = dict(wanted.values_list("name", "pk"))
        states.bulk_create([row for row in kept if row.name not in known])
        for row in kept:
            if row.name in known:
                states.filter(pk=known[row.name]).update(value=row.value)


def _close_sink(run: WorkflowRun, finish: Finish, using: str) -> None:
    run.open_sinks -= 1
    if run.open_sinks > 0:
        WorkflowRun.objects.using(using).filter(pk=run.pk).update(open_sinks=run.open_sinks)
        return
    output = None
    if finish.run_output is not None:
        output = finish.run_output(load_outputs(run.id, finish.output_sources, using))
    close_run(run, RunStatus.COMPLETED, None, (), using=using, output=output)


def _make_ready(run_id: UUID, finish: Finish, using: str) -> list[StepExecution]:
    ready = insert_steps(run_id, finish.inserts, using) if finish.inserts else []
    if not finish.joins:
        return ready
    joins = StepExecution.objects.using(using).filter(run_id=run_id, step_id__in=finish.joins)
    joins.update(pending=F("pending") - 1)
    opened = joins.filter(pending=0, status=StepStatus.PENDING, due_at__isnull=True)
    rows = list(opened.without_payloads())
    if rows:
        opened.update(due_at=DatabaseTime(), ready_at=DatabaseTime())
    return [*ready, *rows]


def _read_back(
    run: WorkflowRun, claim: Claim, finish: Finish, taker: Taker | None, using: str
) -> Finished:
    """Tell a finish that is not ours from one of ours whose commit was not heard of."""
    rows = StepExecution.objects.using(using).without_payloads()
    # Only our own finish leaves our token on a row that is no longer running: cancelling a step,
    # giving it back or taking it from a lost worker wipes the token.
    ours = rows.filter(pk=claim.row_id, token=claim.token, attempt=claim.attempt)
    row = ours.exclude(status=StepStatus.RUNNING).first()
    if row is None:
        return Finished(accepted=False)
    status = StepStatus(row.status)
    if run.status not in ACTIVE_RUNS:
        # Ended by us, as far as anybody can tell: better told twice than never.
        ends = finish.is_sink or finish.run_error is not None or status is not finish.status
        return _ended(run, status, by_this=ends)
    taken = None if taker is None else held_by(run, taker, using, shared=claim.shared)
    return Finished(
        accepted=True,
        status=status,
        run_status=RunStatus(run.status),
        claim=taken,
        ready=waiting_queues(run, using, CANDIDATES),
    )
