"""Runs that ended long ago, many and quickly, on every database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import connection
from django.db.models import UUIDField

from gorkflow.engine.starting import new_run_id
from gorkflow.models import DefinitionSnapshot, WorkflowRun

STEPS = 10
SLAB = 5_000
"""Runs made in one go."""
STATUSES = ("COMPLETED",) * 16 + ("FAILED",) * 3 + ("CANCELLED",)
PAYLOAD = {"text": "x" * 200}
TABLES = (
    "gorkflow_workflowrun",
    "gorkflow_stepexecution",
    "gorkflow_stepattempt",
    "gorkflow_runstate",
)

NUMBERS = " UNION ALL ".join(f"SELECT {n} AS place, 's{n}' AS name" for n in range(STEPS))
STEPS_OF_RUNS = f"""
INSERT INTO gorkflow_stepexecution (
    run_id, step_id, map_index, position, status, pending, queue, worker, attempt, failures,
    crashes, progress, progress_note, output, ready_at, started_at, ended_at)
SELECT run.id, steps.name, 0, steps.place, 'COMPLETED', 0, 'celery', 'host:1:MainThread', 2, 0,
    0, 1, '', run.output, run.ended_at, run.ended_at, run.ended_at
FROM gorkflow_workflowrun AS run, ({NUMBERS}) AS steps
WHERE run.id >= %s AND run.id <= %s"""
ATTEMPTS_OF_RUNS = """
INSERT INTO gorkflow_stepattempt (step_id, number, status, worker, ready_at, started_at, ended_at)
SELECT id, 1, 'FAILED', worker, ready_at, started_at, ended_at FROM gorkflow_stepexecution
WHERE position = 0 AND run_id >= %s AND run_id <= %s"""
STATE_OF_RUNS = """
INSERT INTO gorkflow_runstate (run_id, name, value)
SELECT id, 'seen', output FROM gorkflow_workflowrun WHERE id >= %s AND id <= %s"""


def make_runs(count: int, *, days: float) -> float:
    """Make so many runs that ended over so many days ago; return the seconds it took.

    Each has ten steps, an attempt that failed, and a value of state.
    """
    began = time.monotonic()
    ended = datetime.now(UTC) - timedelta(days=days)
    DefinitionSnapshot.objects.get_or_create(
        fingerprint="old",
        defaults={
            "workflow_id": "old",
            "workflow_version": "1",
            "graph": [],
            "created_at": ended,
        },
    )
    runs = _runs(count, ended)
    while slab := list(islice(runs, SLAB)):
        WorkflowRun.objects.bulk_create(slab, batch_size=500)
        ends = [UUIDField().get_db_prep_value(slab[place].pk, connection) for place in (0, -1)]
        with connection.cursor() as cursor:
            for statement in (STEPS_OF_RUNS, ATTEMPTS_OF_RUNS, STATE_OF_RUNS):
                cursor.execute(statement, ends)
    return time.monotonic() - began


def _runs(count: int, ended: datetime) -> Iterator[WorkflowRun]:
    for number in range(count):
        at = ended - timedelta(seconds=count - number)
        yield WorkflowRun(
            id=new_run_id(),
            workflow_id="old",
            workflow_version="1",
            definition_id="old",
            status=STATUSES[number % len(STATUSES)],
            resource_id=f"order-{number}",
            tags={"tenant": "acme"},
            input=PAYLOAD,
            output=PAYLOAD,
            total_steps=STEPS,
            open_sinks=0,
            created_at=at - timedelta(seconds=9),
            started_at=at - timedelta(seconds=8),
            ended_at=at,
        )


def tell_planner() -> None:
    """Let the database count what is in the tables, as it does by itself after a while."""
    verb = "ANALYZE TABLE" if connection.vendor == "mysql" else "ANALYZE"
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"{verb} {table}")
            if connection.vendor == "mysql":
                cursor.fetchall()
