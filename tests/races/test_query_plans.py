"""What the hot statements read, which must not grow with what is over."""

import sqlite3

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gorkflow import RunStatus, StepStatus
from gorkflow.engine.planner import Outcome
from gorkflow.models import StepExecution
from gorkflow.stores.orm import DjangoStore
from gorkflow.testing.contracts.kit import graph_of, new_run, planner_of
from tests.races.kit import is_postgresql, taker

pytestmark = pytest.mark.django_db(transaction=True)

STORE = DjangoStore()
GRAPH = graph_of(a="", b="a", c="b")


def run_with(over, **changes):
    """A run with one ready step and so many that are over."""
    run_id = STORE.create_run(new_run(GRAPH, **changes))[0].id
    StepExecution.objects.bulk_create(
        [
            StepExecution(
                run_id=run_id,
                step_id=f"over-{number}",
                position=number,
                status="COMPLETED",
                queue="celery",
                output={"n": number},
            )
            for number in range(over)
        ],
        batch_size=200,
    )
    return run_id


def plans_of(act):
    """The plan of every query of the act, on a planner that would rather use an index."""
    with CaptureQueriesContext(connection) as queries:
        act()
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        plans = []
        for query in queries.captured_queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute(f"EXPLAIN {query['sql']}")
                plans.append("\n".join(line for (line,) in cursor.fetchall()))
        cursor.execute("RESET enable_seqscan")
    return plans


def test_a_sweep_finds_what_is_due_by_index_and_not_by_reading_everything():
    if not is_postgresql():
        pytest.skip("asks the planner of PostgreSQL")
    run_with(3)

    plans = plans_of(lambda: STORE.sweep(limit=10, resend_after=60.0))

    for column in ("due_at", "deadline_at"):
        found = [plan for plan in plans if f"{column} <=" in plan]
        assert found
        for plan in found:
            assert any(
                column in line for line in plan.splitlines() if "Index Cond" in line
            ), plan


def instructions_of(act):
    """How many instructions SQLite's machine runs for it, in thousands."""
    count = [0]

    def tick():
        count[0] += 1
        return 0

    connection.ensure_connection()
    raw = connection.connection
    assert isinstance(raw, sqlite3.Connection)
    raw.set_progress_handler(tick, 1000)
    try:
        act()
    finally:
        raw.set_progress_handler(None, 0)
    return count[0]


def rows_read_by(act):
    """How many rows PostgreSQL takes from its tables for it, by its own plans."""
    with CaptureQueriesContext(connection) as queries:
        act()
    statements = [q["sql"] for q in queries.captured_queries if q["sql"].startswith("SELECT")]
    removed = 0
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")
            removed += sum_of_rows(cursor.fetchone()[0][0]["Plan"])
    return removed


def sum_of_rows(plan):
    own = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
    return own + sum(sum_of_rows(each) for each in plan.get("Plans", ()))


@pytest.mark.parametrize("step_limit", [None, 5])
def test_a_finish_costs_the_same_however_many_steps_of_its_run_are_over(step_limit):
    costs = []
    for over in (10, 3000):
        run_id = run_with(over, step_limit=step_limit)
        if is_postgresql():
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE gorkflow_stepexecution")
        claimed = STORE.claim(run_id, taker())
        finish = planner_of(GRAPH).finish(
            claimed, Outcome(status=StepStatus.COMPLETED, output="1")
        )
        measure = rows_read_by if is_postgresql() else instructions_of
        costs.append(measure(lambda: STORE.finish(claimed, finish, taker())))  # noqa: B023
        STORE.end_run(run_id, RunStatus.CANCELLED, cancelled())

    few, many = costs
    print(costs)
    assert many < few + 50


def cancelled():
    from gorkflow.testing.contracts.kit import error

    return error()
