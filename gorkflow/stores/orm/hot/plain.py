"""The fast path of SQLite and MariaDB: a few plain statements in one short transaction.

They say what the portable modules say through the ORM; only the building of queries is saved.
The run is locked first, so that what is read after that stays true until the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pydantic_core
from django.db import IntegrityError

from gorkflow.faults import FaultPoint, reach
from gorkflow.records import RunRecord
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import Claim, Finish, Finished, NewRun, NewStep, Taker
from gorkflow.stores.orm.hot.common import (
    NOTHING,
    Decided,
    Started,
    StepRow,
    claim_from,
    closed,
    first_claim,
    first_for,
    followed,
    follower,
    is_common_finish,
    is_common_start,
    new_claim,
    new_record,
    run_record,
    taken_and_ready,
)
from gorkflow.stores.orm.hot.plain_statements import Statements
from gorkflow.stores.orm.hot.session import Session, reading, writing

COUNTS, DATES = slice(13, 15), slice(16, 20)
"""Where a run's columns hold numbers of steps, and times."""


def get_run(run_id: UUID, connection: Any) -> RunRecord | None:
    """Return a run with its steps counted."""
    with reading(connection) as session:
        found = session.rows(Statements.RUN, run=run_id)
    if not found:
        return None
    row = list(found[0])
    row[0], row[10] = run_id, None if row[10] is None else UUID(str(row[10]))
    row[COUNTS] = [int(value) for value in row[COUNTS]]
    row[DATES] = [session.time(value) for value in row[DATES]]
    return run_record(row)


def start(new: NewRun, taker: Taker | None, connection: Any) -> Started:
    """Insert a run whose graph is stored already and that nothing can be in the way of."""
    if not is_common_start(new, taker) or new.idempotency_key is not None or new.concurrency_key:
        return None
    try:
        return _insert(new, taker, connection)
    except IntegrityError:
        # Its graph is being pruned at this moment; nothing of the run was stored.
        return None


def _insert(new: NewRun, taker: Taker | None, connection: Any) -> Started:
    with writing(connection) as session:
        added = session.change(
            Statements.START,
            run=new.id,
            workflow_id=new.workflow_id,
            workflow_version=new.workflow_version,
            fingerprint=new.fingerprint,
            status=RunStatus.PENDING if taker is None else RunStatus.RUNNING,
            priority=new.priority,
            resource_id=new.resource_id,
            tags=pydantic_core.to_json(new.tags).decode(),
            input=new.input,
            context=new.context,
            started_by=new.started_by,
            rerun_of=new.rerun_of,
            total_steps=new.total_steps,
            sinks=new.sinks,
            step_limit=new.step_limit,
            timeout=new.timeout,
            deadline=new.timeout or 0.0,
        )
        if not added:
            return None
        entries = [step for step in new.steps if not step.pending]
        rows = _add(session, new.id, entries, taker)
        for step in new.steps:
            if step.pending:
                session.change(Statements.ADD_JOIN, **_new(new.id, step))
        (times,) = session.rows(Statements.TIMES, run=new.id)
    record = new_record(new, *map(session.time, times))
    return record, None if taker is None else first_claim(rows[0], new, taker)


def claim(run_id: UUID, taker: Taker, connection: Any, *, shared: bool) -> Decided:
    """Claim the oldest due step of a run without limits, whose graph the taker has the code of."""
    if not taker.known:
        return None
    with reading(connection) as session:
        if not session.rows(Statements.CLAIMABLE, run=run_id):
            # Most messages that find nothing to do come for a run that is over or busy.
            return NOTHING
    with writing(connection) as session:
        found = session.rows(Statements.CLAIMABLE_RUN, run=run_id)
        if not found:
            return None
        status, run_input, priority, workflow_id, version, fingerprint = found[0]
        if (workflow_id, version, fingerprint) not in taker.known:
            return None
        due = _due(session, run_id, taker)
        if not due:
            return None
        row = _take(session, due[0], taker)
        is_new = status == RunStatus.PENDING
        if is_new:
            session.change(Statements.BEGIN, run=run_id)
    claimed = new_claim(
        row,
        run_id,
        taker,
        priority=priority,
        workflow=(workflow_id, version, fingerprint),
        shared=shared,
        started_run=is_new,
        run_input=run_input if is_new else None,
        more=len(due) > 1,
    )
    return (claimed,)


def finish(claim: Claim, finish: Finish, taker: Taker | None, connection: Any) -> Finished | None:
    """Store a result and take the next step, or end the run with its one sink."""
    if not is_common_finish(claim, finish, taker):
        return None
    with writing(connection) as session:
        if not _end(session, claim, finish):
            return None
        reach(FaultPoint.IN_FINISH, claim)
        if finish.is_sink:
            return _close(session, claim, finish)
        if taker is not None and (step := follower(finish, taker)):
            row_id = _add_taken(session, claim.run_id, step, taker)
            return followed(claim, finish, taker, step, row_id)
        rows = _add(session, claim.run_id, finish.inserts, taker)
        # The taker takes one step: an inserted one, else a join that it has opened, else any.
        rows += _count_down(session, claim.run_id, finish.joins, None if rows else taker)
        taken, ready = taken_and_ready(rows, claim.row_id)
        if taken is None and taker is not None:
            due = _due(session, claim.run_id, taker)
            taken = _take(session, due[0], taker) if due else None
            if taken is not None and taken.queue in ready:
                ready.remove(taken.queue)
    return Finished(
        accepted=True,
        status=finish.status,
        run_status=RunStatus.RUNNING,
        claim=None if taken is None or taker is None else claim_from(taken, claim, taker.token),
        ready=ready,
    )


def _end(session: Session, claim: Claim, finish: Finish) -> int:
    """Store the result, if the run is as it has to be; return how many rows that changed."""
    result = {
        "row": claim.row_id,
        "token": claim.token,
        "status": finish.status,
        "output": finish.output,
    }
    if session.is_alone:
        statement = Statements.DONE_IN_LAST if finish.is_sink else Statements.DONE_IN_OPEN
        return session.change(statement, run=claim.run_id, **result)
    statement = Statements.LAST_OF_RUN if finish.is_sink else Statements.OPEN_RUN
    if not session.rows(statement, run=claim.run_id):
        return 0
    return session.change(Statements.DONE, **result)


def _close(session: Session, claim: Claim, finish: Finish) -> Finished:
    output = None if finish.run_output is None else finish.run_output({})
    session.change(Statements.CLOSE, run=claim.run_id, output=output)
    ended_at = None
    if session.is_alone:
        # Elsewhere it would take a round trip, and few want to know.
        ((ended_at,),) = session.rows(Statements.ENDED, run=claim.run_id)
    return closed(finish, session.time(ended_at))


def _due(session: Session, run_id: UUID, taker: Taker) -> list[StepRow]:
    """Return the oldest due step that the taker may have, and perhaps the one after it."""
    found = session.rows(Statements.DUE, run=run_id, queue=taker.queue)
    return [StepRow(*row) for row in found]


def _take(session: Session, row: StepRow, taker: Taker) -> StepRow:
    session.change(
        Statements.TAKE, row=row.id, taker=taker.token, worker=taker.worker, lease=taker.lease
    )
    return row._replace(status=StepStatus.RUNNING, attempt=row.attempt + 1, is_due=True)


def _add(
    session: Session, run_id: UUID, steps: Sequence[NewStep], taker: Taker | None
) -> list[StepRow]:
    """Insert the steps that are ready now, the taker's first."""
    mine = first_for(taker, steps)
    rows: list[StepRow] = []
    for step in steps:
        row = StepRow(0, step.step_id, 0, step.queue, StepStatus.PENDING, 0, 0, 0, True)
        if taker is not None and step.step_id == mine:
            row_id = _add_taken(session, run_id, step, taker)
            rows.insert(0, row._replace(id=row_id, status=StepStatus.RUNNING, attempt=1))
        else:
            session.change(Statements.ADD, **_new(run_id, step))
            rows.append(row)
    return rows


def _add_taken(session: Session, run_id: UUID, step: NewStep, taker: Taker) -> int:
    """Insert a step that is the taker's; return its key."""
    return session.insert(
        Statements.ADD_TAKEN,
        **_new(run_id, step),
        taker=taker.token,
        worker=taker.worker,
        lease=taker.lease,
    )


def _count_down(
    session: Session, run_id: UUID, joins: Sequence[str], taker: Taker | None
) -> list[StepRow]:
    """Count a parent down on each join; open those that wait for none."""
    rows: list[StepRow] = []
    for step_id in joins:
        session.change(Statements.COUNT_DOWN, run=run_id, step=step_id)
        for found in session.rows(Statements.OPENED, run=run_id, step=step_id):
            row = StepRow(*found)
            session.change(Statements.OPEN, row=row.id)
            if taker is not None and taker.queue in (None, row.queue):
                row, taker = _take(session, row, taker), None
            rows.append(row._replace(is_due=True))
    return rows


def _new(run_id: UUID, step: NewStep) -> dict[str, Any]:
    return {
        "run": run_id,
        "step": step.step_id,
        "position": step.position,
        "queue": step.queue,
        "pending": step.pending,
    }
