"""A run as a reader wants it: every step of the graph, reached or not, and what happened when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from gorkflow.definition.graph import Node
from gorkflow.engine.planner import Planner
from gorkflow.records import (
    AttemptRecord,
    ErrorInfo,
    EventRecord,
    HistoryEvent,
    RunRecord,
    StepRecord,
)
from gorkflow.statuses import ActKind, EventKind, RunStatus, StepStatus

STEP_ENDS = {
    StepStatus.COMPLETED: EventKind.STEP_COMPLETED,
    StepStatus.SKIPPED: EventKind.STEP_SKIPPED,
    StepStatus.FAILED: EventKind.STEP_FAILED,
    StepStatus.CANCELLED: EventKind.STEP_CANCELLED,
}
RUN_ENDS = {
    RunStatus.COMPLETED: EventKind.RUN_COMPLETED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
}
"""A cancelled run has the act that cancelled it."""
ACTS = {
    ActKind.CANCEL: EventKind.RUN_CANCELLED,
    ActKind.RETRY: EventKind.RUN_RETRIED,
    ActKind.RERUN: EventKind.RUN_RERUN,
}


def full_steps(run: RunRecord, planner: Planner, rows: Sequence[StepRecord]) -> list[StepRecord]:
    """Return a record per step in topological order; a step without a row was never reached."""
    by_id = {row.step_id: row for row in rows}
    # Of a run that ended early, what was never reached will not be: it counts as cancelled.
    unreached = StepStatus.CANCELLED if run.status.is_terminal else StepStatus.PENDING
    steps = []
    for node in planner.graph:
        row = by_id.get(node.id)
        if row is None:
            steps.append(_unreached(run, planner, node, unreached))
        else:
            steps.append(replace(row, name=node.name, parents=node.parents))
    return steps


def _unreached(run: RunRecord, planner: Planner, node: Node, status: StepStatus) -> StepRecord:
    return StepRecord(
        run_id=run.id,
        step_id=node.id,
        name=node.name,
        position=planner.graph.position(node.id),
        status=status,
        parents=node.parents,
        pending_parents=len(node.parents),
        queue=planner.queue(node.id),
    )


def run_history(
    run: RunRecord, steps: Sequence[StepRecord], acts: Sequence[EventRecord]
) -> list[HistoryEvent]:
    """Return what happened, oldest first. The steps come with their attempts, by position."""
    of_steps = [event for step in steps for event in _of_step(step)]
    # At one instant: in this order, as what one transaction does has one time.
    events = [
        *_beginning(run, of_steps),
        *of_steps,
        *(event for act in acts for event in _of_act(act)),
    ]
    if run.status in RUN_ENDS and run.ended_at is not None:
        events.append(HistoryEvent(at=run.ended_at, kind=RUN_ENDS[run.status], error=run.error))
    return sorted(events, key=lambda event: event.at)


def _beginning(run: RunRecord, of_steps: Sequence[HistoryEvent]) -> Iterator[HistoryEvent]:
    rerun_of = {} if run.rerun_of is None else {"rerun_of": str(run.rerun_of)}
    yield HistoryEvent(
        at=run.created_at, kind=EventKind.RUN_CREATED, actor=run.started_by, data=rerun_of
    )
    if run.started_at is not None:
        # Where every statement has a time of its own, the claim that begins a run comes before.
        at = min([run.started_at, *(event.at for event in of_steps)])
        yield HistoryEvent(at=at, kind=EventKind.RUN_STARTED)


def _of_step(step: StepRecord) -> Iterator[HistoryEvent]:
    for attempt in step.attempts:
        if attempt.started_at is not None and attempt.status is not StepStatus.SKIPPED:
            yield _step_event(step, attempt, attempt.started_at, EventKind.STEP_STARTED)
        if attempt.ended_at is not None and attempt.status in STEP_ENDS:
            kind = STEP_ENDS[attempt.status]
            yield _step_event(step, attempt, attempt.ended_at, kind, error=attempt.error)


def _step_event(
    step: StepRecord,
    attempt: AttemptRecord,
    at: datetime,
    kind: EventKind,
    error: ErrorInfo | None = None,
) -> HistoryEvent:
    return HistoryEvent(
        at=at,
        kind=kind,
        step_id=step.step_id,
        attempt=attempt.number,
        actor=attempt.worker,
        error=error,
    )


def _of_act(act: EventRecord) -> Iterator[HistoryEvent]:
    if act.kind is ActKind.RETRY and act.data.get("status") in RUN_ENDS and act.data["ended_at"]:
        # How it had ended, which the run itself forgot.
        stored = act.data.get("error")
        error = None if stored is None else ErrorInfo.from_dict({"message": "", **stored})
        kind = RUN_ENDS[RunStatus(act.data["status"])]
        at = datetime.fromisoformat(act.data["ended_at"])
        yield HistoryEvent(at=at, kind=kind, error=error)
    yield HistoryEvent(
        at=act.at, kind=ACTS[act.kind], actor=act.actor, reason=act.reason, data=act.data
    )
