"""The fast path of PostgreSQL: one statement for each transition, and so one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pydantic_core

from gorkflow.faults import FaultPoint, reach
from gorkflow.records import RunRecord
from gorkflow.statuses import RunStatus
from gorkflow.stores.base import Claim, Finish, Finished, NewRun, NewStep, Taker
from gorkflow.stores.orm.hot.common import (
    NOTHING,
    Decided,
    Started,
    StepRow,
    claim_from,
    closed,
    first_claim,
    first_entry,
    first_for,
    followed,
    follower,
    is_common_finish,
    is_common_start,
    new_claim,
    new_record,
    run_record,
    taken_and_ready,
    time_of,
)
from gorkflow.stores.orm.hot.prepared import rows_of
from gorkflow.stores.orm.hot.statements import (
    BEGIN,
    CLAIM,
    CLOSED,
    FOLLOW,
    IDLE,
    RUN,
    START,
    finish_statement,
)


def get_run(run_id: UUID, connection: Any) -> RunRecord | None:
    """Return a run with its steps counted."""
    found = rows_of(RUN, {"run": run_id}, connection)
    return run_record(found[0]) if found else None


def start(new: NewRun, taker: Taker | None, connection: Any) -> Started:
    """Insert a run whose graph is stored already and that nothing is in the way of."""
    if not is_common_start(new, taker):
        return None
    if taker is None:
        found = rows_of(START, _start_values(new), connection)
        if not found:
            return None
        created_at, deadline_at = map(time_of, found[0])
        return new_record(new, created_at, None, deadline_at), None
    first = first_entry(new, taker)
    values = {**_start_values(new), **_taker_values(taker), "first": first}
    found = rows_of(BEGIN, values, connection)
    if not found:
        return None
    created_at, started_at, deadline_at, *step = found[0]
    return new_record(new, created_at, started_at, deadline_at), first_claim(
        StepRow(*step), new, taker
    )


def _start_values(new: NewRun) -> dict[str, Any]:
    return {
        "run": new.id,
        "workflow_id": new.workflow_id,
        "workflow_version": new.workflow_version,
        "fingerprint": new.fingerprint,
        "priority": new.priority,
        "resource_id": new.resource_id,
        "idempotency_key": new.idempotency_key,
        "concurrency_key": new.concurrency_key,
        "tags": pydantic_core.to_json(new.tags).decode(),
        "input": new.input,
        "context": new.context,
        "started_by": new.started_by,
        "rerun_of": new.rerun_of,
        "total_steps": new.total_steps,
        "sinks": new.sinks,
        "step_limit": new.step_limit,
        "timeout": new.timeout,
        "ids": [step.step_id for step in new.steps],
        "positions": [step.position for step in new.steps],
        "queues": [step.queue for step in new.steps],
        "pendings": [step.pending for step in new.steps],
    }


def claim(run_id: UUID, taker: Taker, connection: Any, *, shared: bool) -> Decided:
    """Claim the oldest due step of a run without limits, whose graph the taker has the code of."""
    if not taker.known:
        return None
    ids, versions, graphs = zip(*taker.known, strict=True)
    values = {
        "run": run_id,
        "ids": list(ids),
        "versions": list(versions),
        "graphs": list(graphs),
        **_taker_values(taker),
    }
    found = rows_of(CLAIM, values, connection)
    if not found:
        # Most messages that find nothing to do come for a run that is over or busy.
        return NOTHING if rows_of(IDLE, {"run": run_id}, connection)[0][0] else None
    status, run_input, priority, workflow_id, version, fingerprint, more, *step = found[0]
    is_new = status == RunStatus.PENDING
    claimed = new_claim(
        StepRow(*step),
        run_id,
        taker,
        priority=priority,
        workflow=(workflow_id, version, fingerprint),
        shared=shared,
        started_run=is_new,
        run_input=run_input,
        more=more,
    )
    return (claimed,)


def finish(claim: Claim, finish: Finish, taker: Taker | None, connection: Any) -> Finished | None:
    """Store a result and take the next step, or end the run with its one sink."""
    if not is_common_finish(claim, finish, taker):
        return None
    reach(FaultPoint.IN_FINISH, claim)
    values: dict[str, Any] = {
        "run": claim.run_id,
        "row": claim.row_id,
        "token": claim.token,
        "status": finish.status,
        "output": finish.output,
    }
    if finish.is_sink:
        return _close(finish, values, connection)
    if taker is not None and (step := follower(finish, taker)):
        return _follow(claim, finish, taker, step, {**values, **_taker_values(taker)}, connection)
    taken_id = first_for(taker, finish.inserts)
    statement = finish_statement(
        adds=bool(finish.inserts),
        joins=len(finish.joins),
        looks=taker is not None and taken_id is None,
    )
    values |= _taker_values(taker)
    values |= _new_values(finish.inserts, taken_id)
    if finish.joins:
        if len(finish.joins) == 1:
            values["joined"] = finish.joins[0]
        else:
            values["joins"] = pydantic_core.to_json(finish.joins).decode()
        values["join"] = finish.joins[0] if taker and not taken_id else None
    rows = [StepRow(*row) for row in rows_of(statement, values, connection)]
    if not rows:
        return None
    taken, ready = taken_and_ready(rows, claim.row_id)
    return Finished(
        accepted=True,
        status=finish.status,
        run_status=RunStatus.RUNNING,
        claim=None if taken is None or taker is None else claim_from(taken, claim, taker.token),
        ready=ready,
    )


def _follow(  # noqa: PLR0913, PLR0917
    claim: Claim,
    finish: Finish,
    taker: Taker,
    step: NewStep,
    values: dict[str, Any],
    connection: Any,
) -> Finished | None:
    values |= {"next": step.step_id, "position": step.position, "next_queue": step.queue}
    found = rows_of(FOLLOW, values, connection)
    return followed(claim, finish, taker, step, found[0][0]) if found else None


def _close(finish: Finish, values: dict[str, Any], connection: Any) -> Finished | None:
    output = None if finish.run_output is None else finish.run_output({})
    found = rows_of(CLOSED, {**values, "run_output": output}, connection)
    return closed(finish, time_of(found[0][0])) if found else None


def _new_values(steps: Sequence[NewStep], taken_id: str | None) -> dict[str, Any]:
    return {
        "ids": [step.step_id for step in steps],
        "positions": [step.position for step in steps],
        "queues": [step.queue for step in steps],
        "takes": [step.step_id == taken_id for step in steps],
    }


def _taker_values(taker: Taker | None) -> dict[str, Any]:
    if taker is None:
        return {"taker": None, "worker": "", "lease": 0, "queue": None}
    return {
        "taker": taker.token,
        "worker": taker.worker,
        "lease": taker.lease,
        "queue": taker.queue,
    }
