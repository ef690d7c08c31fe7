"""What the hot statements read, which must not grow with what is over."""

import re
import sqlite3
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models import Min
from django.test.utils import CaptureQueriesContext

from gorkflow import RunStatus, StepStatus
from gorkflow.engine.planner import Outcome
from gorkflow.engine.starting import new_run_id
from gorkflow.models import (
    DefinitionSnapshot,
    RunEvent,
    RunState,
    StepAttempt,
    StepExecution,
    WorkflowRun,
)
from gorkflow.stores.orm import DjangoStore
from gorkflow.stores.orm.claiming import admissible
from gorkflow.stores.orm.hot.statements import CLAIM, IDLE, finish_statement
from gorkflow.testing.contracts.kit import error, graph_of, new_run, planner_of
from tests.races.kit import is_postgresql, taker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _checked():
    """Not here: thousands of rows are made up."""


@pytest.fixture(autouse=True)
def _no_statistics_of_other_tests():
    """SQLite keeps them in a table that no flush empties, and plans by them."""
    yield
    if connection.vendor == "sqlite" and connection.display_name != "libSQL":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE sqlite_master")  # makes the table, if there is none
            cursor.execute("DELETE FROM sqlite_stat1")
            cursor.execute("ANALYZE sqlite_master")  # reads it again


STORE = DjangoStore()
GRAPH = graph_of(a="", b="a", c="b")


def run_with(size, status, **changes):
    """A run with one ready step and so many others of a status."""
    run_id = STORE.create_run(new_run(GRAPH, **changes))[0].id
    due_at = STORE.now() if status == "PENDING" else None
    StepExecution.objects.bulk_create(
        [
            StepExecution(
                run_id=run_id,
                step_id=f"rest-{number}",
                position=10 + number,
                status=status,
                due_at=due_at,
                token=None if due_at else uuid4(),
                queue="celery",
                output={"n": number},
            )
            for number in range(size)
        ],
        batch_size=100,
    )
    return run_id


def counts_instructions():
    return connection.display_name == "SQLite"


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


def rows_told_by_libsql(act):
    """How many rows a libSQL server has read for it, as each of its answers tells."""
    connection.ensure_connection()
    raw, told = connection.connection, []
    carry_out = raw.carry_out

    def listen(statement):
        result = carry_out(statement)
        told.append(result["rows_read"])
        return result

    raw.carry_out = listen
    try:
        act()
    finally:
        del raw.carry_out
    return sum(told)


def sum_of_rows(plan):
    own = plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)
    return own + sum(sum_of_rows(each) for each in plan.get("Plans", ()))


def cost_of(act, *, analyzed=False):
    """Rows read, or thousands of instructions: neither depends on the machine."""
    if is_postgresql():
        if not analyzed:
            analyze(WorkflowRun, StepExecution)
        return rows_read_by(act)
    if connection.display_name == "libSQL":
        return rows_told_by_libsql(act)
    if counts_instructions():
        return instructions_of(act)
    return pytest.skip("this database does not tell")


@pytest.mark.parametrize("step_limit", [None, 5])
@pytest.mark.parametrize("rest", ["COMPLETED", "PENDING"])
def test_a_finish_costs_the_same_however_many_steps_its_run_has(rest, step_limit):
    costs = []
    for size in (10, 3000):
        run_id = run_with(size, rest, step_limit=step_limit)
        claimed = STORE.claim(run_id, taker())
        finish = planner_of(GRAPH).finish(claimed, Outcome(status=StepStatus.COMPLETED, output="1"))
        costs.append(cost_of(lambda: STORE.finish(claimed, finish, taker())))  # noqa: B023
        STORE.end_run(run_id, RunStatus.CANCELLED, error())

    few, many = costs
    assert many < few + (5 if counts_instructions() else 100)


@pytest.mark.parametrize("statistics", ["none", "fresh"])
def test_a_sweep_costs_the_same_however_much_is_over(statistics):
    costs = []
    for size in (10, 3000):
        for status in ("COMPLETED", "FAILED", "CANCELLED"):
            run_with(size, status)
        WorkflowRun.objects.bulk_create(ended_runs(size), batch_size=100)
        if statistics == "fresh":
            analyze(WorkflowRun, StepExecution)
        costs.append(cost_of(lambda: STORE.sweep(limit=10, resend_after=60.0)))

    few, many = costs
    assert many < few + (5 if counts_instructions() else 100)


def test_a_sweep_reads_no_run_that_has_time_even_if_statistics_call_all_of_them_late():
    run_with(0, "COMPLETED")
    WorkflowRun.objects.bulk_create(ended_runs(3000), batch_size=100)
    active = runs_under_way(1000, deadline_at=datetime(2020, 1, 1, tzinfo=UTC))
    WorkflowRun.objects.bulk_create(active, batch_size=100)
    analyze(WorkflowRun, StepExecution)
    WorkflowRun.objects.active().update(deadline_at=datetime(2120, 1, 1, tzinfo=UTC))

    look = lambda: STORE.sweep(limit=10, resend_after=60.0)  # noqa: E731

    assert cost_of(look, analyzed=True) < (5 if counts_instructions() else 100)


def test_no_planner_can_take_the_index_of_sweeps_for_a_claim():
    """By statistics of an hour when nothing waited it looks as good as the run's own."""
    if not is_postgresql():
        pytest.skip("only PostgreSQL tells the plan of a statement with a name")
    run_with(100, "PENDING")
    statements = [CLAIM, IDLE, finish_statement(adds=False, joins=1, looks=True)]
    with suppress(_EnoughError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        # Were there a way to use the other index, it would be taken now.
        cursor.execute("DROP INDEX gorkflow_step_claim")
        plans = [generic_plan(cursor, each) for each in statements]
        raise _EnoughError

    assert all("gorkflow_step_in_run" in plan for plan in plans)
    assert not [plan for plan in plans if "gorkflow_step_due" in plan]


class _EnoughError(Exception):
    """Rolls back what was done to the tables."""


def generic_plan(cursor, statement):
    cursor.execute(statement.prepare.replace(statement.name.decode(), "looked_at"))
    values = ", ".join(["NULL"] * len(statement.parameters(defaultdict(lambda: None))))
    cursor.execute(f"EXPLAIN EXECUTE looked_at ({values})")
    plan = "\n".join(line for (line,) in cursor.fetchall())
    cursor.execute("DEALLOCATE looked_at")
    return plan


def test_who_looks_at_all_runs_has_an_index_for_that():
    run_with(100, "PENDING")
    with CaptureQueriesContext(connection) as captured:
        STORE.sweep(limit=10, resend_after=0.0, ahead=60.0)
        # What docs/operating.md calls quick.
        StepExecution.objects.due(STORE.now()).aggregate(Min("due_at"))
        StepExecution.objects.expired(STORE.now()).count()

    looks = [sql for sql in statements_of(captured) if re.search("due_at. <", sql)]
    assert len(looks) >= 6
    assert {sql for sql in looks if not can_use(sql, "gorkflow_step_due")} == set()


def can_use(sql, index):
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    found = []
    with suppress(_EnoughError), transaction.atomic(), connection.cursor() as cursor:
        if is_postgresql():
            # Of a table as small as this it could read anything.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("DROP INDEX gorkflow_step_claim")
        cursor.execute(f"{explain} {sql}".replace("%", "%%"))
        found = cursor.fetchall()
        raise _EnoughError
    return index in str(found)


def test_admitting_a_run_costs_the_same_however_many_wait_behind_it():
    costs = []
    for size in (10, 1000):
        for _ in range(size):
            STORE.create_run(new_run(GRAPH, run_limit=2))
        first = WorkflowRun.objects.order_by("created_at", "id").first()
        costs.append(cost_of(lambda: admissible(first, "default")))  # noqa: B023

    few, many = costs
    assert many < few + (5 if counts_instructions() else 100)


def test_looking_for_runs_to_prune_costs_the_same_however_many_of_others_are_kept():
    costs = []
    run_with(0, "COMPLETED")
    for size in (10, 3000):
        WorkflowRun.objects.bulk_create(ended_runs(size), batch_size=100)
        look = lambda: STORE.prune(older_than=60.0, statuses=[RunStatus.FAILED], limit=100)  # noqa: E731
        costs.append(cost_of(look))

    few, many = costs
    assert many < few + (100 if is_postgresql() else 5)


def test_pruning_reads_no_table_as_a_whole():
    run_with(0, "COMPLETED")
    runs = ended_runs(2000)
    WorkflowRun.objects.bulk_create(runs, batch_size=100)
    steps = [
        StepExecution(run=run, step_id=f"s{number}", position=number, status="COMPLETED", queue="")
        for run in runs
        for number in range(2)
    ]
    StepExecution.objects.bulk_create(steps, batch_size=100)
    attempts = [StepAttempt(step=step, number=1, status="FAILED") for step in steps]
    StepAttempt.objects.bulk_create(attempts, batch_size=100)
    RunState.objects.bulk_create([RunState(run=run, name="n", value=1) for run in runs])
    events = [RunEvent(run=run, at=run.ended_at, kind="CANCEL") for run in runs]
    RunEvent.objects.bulk_create(events)
    analyze(WorkflowRun, StepExecution, StepAttempt, RunState, RunEvent)

    with CaptureQueriesContext(connection) as captured:
        assert STORE.prune(older_than=60.0, statuses=[RunStatus.COMPLETED], limit=20) == 20

    whole = {sql: tables_scanned_by(sql) for sql in statements_of(captured)}
    assert {sql: tables for sql, tables in whole.items() if tables} == {}


def analyze(*models):
    if connection.display_name == "libSQL":
        return  # whose server takes no ANALYZE
    verb = "ANALYZE TABLE" if connection.vendor == "mysql" else "ANALYZE"
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"{verb} {model._meta.db_table}")
            if connection.vendor == "mysql":
                cursor.fetchall()


def statements_of(captured):
    sent = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in sent if sql.startswith(("SELECT", "DELETE"))]


def tables_scanned_by(sql):
    """Which tables that grow with the runs a statement reads from end to end."""
    explain = {
        "postgresql": "EXPLAIN (FORMAT JSON)",
        "sqlite": "EXPLAIN QUERY PLAN",
        "mysql": "EXPLAIN",
    }[connection.vendor]
    with transaction.atomic(), connection.cursor() as cursor:
        if is_postgresql() and "LIMIT" not in sql:
            # It reads a table as small as these from end to end unless it must not.
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explain} {sql}".replace("%", "%%"))
        plan = cursor.fetchall()
    if connection.vendor == "postgresql":
        scanned = set(sequential_scans(plan[0][0][0]["Plan"]))
    elif connection.vendor == "sqlite":
        scans = [re.match(r"SCAN (\w+)", row[3]) for row in plan]
        scanned = {scan[1] for scan in scans if scan}
    else:
        # table, type
        scanned = {row[2] for row in plan if row[3] in ("ALL", "index")}
    return scanned - {DefinitionSnapshot._meta.db_table}


def sequential_scans(plan):
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from sequential_scans(part)


def ended_runs(size):
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    return made_up_runs(size, status="COMPLETED", open_sinks=0, ended_at=long_ago)


def runs_under_way(size, *, deadline_at):
    return made_up_runs(size, status="RUNNING", open_sinks=1, deadline_at=deadline_at)


def made_up_runs(size, **columns):
    columns["definition"] = DefinitionSnapshot.objects.get()
    columns["created_at"] = datetime(2020, 1, 1, tzinfo=UTC)
    return [
        WorkflowRun(
            id=new_run_id(), workflow_id="contract", workflow_version="1", total_steps=1, **columns
        )
        for _ in range(size)
    ]
