"""A long history with what people look for in it: failures, retries, tags, names."""

from __future__ import annotations

from typing import Any

from django.db import connection

from benchmarks.history import STEPS, load_history
from gorkflow import Workflow, WorkflowBuilder, register, step

ERROR = (
    '{"code": "EXECUTION_FAILED", "message": "the bank is asleep", "type": "ConnectionError",'
    ' "step_id": "s9", "attempt": 4}'
)
TABLES = ("gorkflow_workflowrun", "gorkflow_stepexecution", "gorkflow_stepattempt")
SOME = "id IN (SELECT md5('run' || n)::uuid FROM generate_series(%(from)s, %(to)s, %(every)s) AS n)"
STEP_OF_SOME = f"run_{SOME} AND position = %(place)s"

FAILED = (
    f"UPDATE gorkflow_workflowrun SET status = 'FAILED', output = NULL, error = %(error)s"
    f" WHERE {SOME}"
)
FAILED_STEP = (
    f"UPDATE gorkflow_stepexecution SET status = 'FAILED', output = NULL, error = %(error)s"
    f" WHERE {STEP_OF_SOME}"
)
CANCELLED = f"UPDATE gorkflow_workflowrun SET status = 'CANCELLED', output = NULL WHERE {SOME}"
RETRIED = f"UPDATE gorkflow_stepexecution SET attempt = 3 WHERE {STEP_OF_SOME}"
EARLIER = (
    "INSERT INTO gorkflow_stepattempt"
    " (step_id, number, status, worker, ready_at, started_at, ended_at)"
    " SELECT id, number, 'FAILED', worker, ready_at, started_at, ended_at"
    f" FROM gorkflow_stepexecution, (VALUES (1), (2)) AS numbers (number) WHERE {STEP_OF_SOME}"
)
BY_ANN = f"UPDATE gorkflow_workflowrun SET started_by = 'ann' WHERE {SOME}"
RARE = (
    "UPDATE gorkflow_workflowrun SET started_by = 'bob', workflow_version = '0',"
    f""" tags = '{{"tenant": "rare"}}' WHERE {SOME}"""
)
GRAPH = "UPDATE gorkflow_definitionsnapshot SET graph = %(graph)s WHERE fingerprint = 'history'"


def chain() -> Workflow[Any, Any]:
    """Register the workflow that the history is of."""

    @step
    def add(value: int) -> int:
        return value + 1

    steps = [add.with_(id=f"s{place}") for place in range(STEPS)]
    return register(WorkflowBuilder("chain").sequence(*steps).build())


def load(runs: int, workflow: Workflow[Any, Any]) -> None:
    """Fill the tables: every 20th run failed, every 50th was cancelled, every 25th had retries.

    Every tenth was started by ann. What is rare is in every 5 000th of the older half.
    """
    load_history(runs, age=0.0)
    half = runs // 2
    some: dict[str, Any] = {"from": 1, "to": runs, "error": ERROR, "place": STEPS - 1}
    with connection.cursor() as cursor:
        cursor.execute(GRAPH, {"graph": workflow.graph.to_json()})
        cursor.execute(FAILED, {**some, "every": 20})
        cursor.execute(FAILED_STEP, {**some, "every": 20})
        cursor.execute(CANCELLED, {**some, "from": 2, "every": 50})
        cursor.execute(RETRIED, {**some, "from": 3, "every": 25, "place": 3})
        cursor.execute(EARLIER, {**some, "from": 3, "every": 25, "place": 3})
        cursor.execute(BY_ANN, {**some, "from": 4, "every": 10})
        cursor.execute(RARE, {**some, "from": half, "every": 5_000})
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(TABLES)}")
