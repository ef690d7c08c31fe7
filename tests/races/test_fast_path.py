"""The one-statement transitions, made to wait for each other in the middle."""

import math
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gorkflow import RunStatus, StepStatus
from gorkflow.engine.planner import Outcome
from gorkflow.errors import ErrorCode
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.stores.orm import DjangoStore, finishing
from gorkflow.stores.orm.hot import hot_path, prepared
from gorkflow.testing.contracts.kit import (
    CHAIN,
    DIAMOND,
    error,
    graph_of,
    new_run,
    planner_of,
    taker,
)
from tests.races.kit import MANY, Act, Held, at_once, gate_before, row, wait_until_blocked

STORE = DjangoStore()
prepares = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="statements are prepared on PostgreSQL alone"
)
WIDE = graph_of(a="", b="a", c="a", d="a", e="b c d")
CROSSED = graph_of(a="", b="a", c="a", d="a", x="b c d", y="d c b", z="x y")


@pytest.fixture(autouse=True)
def _fast(transactional_db):
    if hot_path(connection) is None:
        pytest.skip(f"{connection.vendor} has no fast path")


def create(graph=CHAIN, **changes):
    """Create a run of a graph whose snapshot is stored, so that the start is a fast one too."""
    return STORE.create_run(new_run(graph, **changes))[0].id


def claim(run_id):
    found = STORE.claim(run_id, taker())
    assert found is not None
    return found


def finish(claimed, graph=CHAIN, take=None):
    outcome = Outcome(status=StepStatus.COMPLETED, output=f'"{claimed.step_id}"')
    return STORE.finish(claimed, planner_of(graph).finish(claimed, outcome), take)


def cancel(run_id):
    return STORE.end_run(run_id, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))


def statuses(run_id):
    return {each.step_id: each.status for each in STORE.get_steps(run_id)}


def siblings(graph, count):
    """Claim the steps behind `a`, so many of them."""
    run_id = create(graph)
    finish(claim(run_id), graph)
    return run_id, [claim(run_id) for _ in range(count)]


@pytest.mark.parametrize("timeout", [None, 0.1, 1.0000005, 3600.0])
def test_a_start_tells_of_its_run_what_is_stored(timeout):
    create()
    # A statement is prepared when it comes again, and goes past the cursor from then on.
    for _ in range(3):
        record, _created = STORE.create_run(new_run(timeout=timeout))

        assert record == STORE.get_run(record.id)


def test_a_finish_that_waits_for_a_cancel_makes_nothing_ready(monkeypatch):
    run_id = create()
    claimed = claim(run_id)
    gate = gate_before(monkeypatch, finishing, "close_run")

    cancels = Act(lambda: cancel(run_id))
    gate.wait_until_reached()
    finishes = Act(lambda: finish(claimed, take=taker()))
    wait_until_blocked(finishes)
    gate.open()

    cancels.result()
    assert not finishes.result().accepted
    assert statuses(run_id) == {"a": StepStatus.CANCELLED}


def test_a_cancel_that_waits_for_a_finish_cancels_what_it_made_ready():
    run_id = create()
    claimed = claim(run_id)
    finishes = Held(lambda: finish(claimed, take=taker()))
    cancels = Act(lambda: cancel(run_id))
    wait_until_blocked(cancels)

    assert finishes.end().claim.step_id == "b"
    cancels.result()
    assert statuses(run_id) == {"a": StepStatus.COMPLETED, "b": StepStatus.CANCELLED}


def test_a_cancel_that_waits_for_the_last_finish_comes_too_late():
    run_id = create(graph_of(a=""))
    claimed = claim(run_id)
    finishes = Held(lambda: finish(claimed, graph_of(a="")))
    cancels = Act(lambda: cancel(run_id))
    wait_until_blocked(cancels)

    assert finishes.end().ended_run
    assert cancels.outcome().data["status"] == RunStatus.COMPLETED


def test_of_two_finishes_that_meet_at_a_join_the_second_opens_it():
    run_id, (first, second) = siblings(DIAMOND, 2)
    held = Held(lambda: finish(first, DIAMOND, taker()))
    waits = Act(lambda: finish(second, DIAMOND, taker()))
    wait_until_blocked(waits)

    assert held.end().claim is None
    assert waits.result().claim.step_id == "d"
    assert (row(run_id, "d").pending, row(run_id, "d").attempt) == (0, 1)


def test_a_finish_that_is_rolled_back_has_not_counted():
    _, (first, second) = siblings(DIAMOND, 2)
    held = Held(lambda: finish(first, DIAMOND, taker()), commit=False)
    waits = Act(lambda: finish(second, DIAMOND, taker()))
    wait_until_blocked(waits)

    held.end()
    assert waits.result().claim is None
    assert finish(first, DIAMOND, taker()).claim.step_id == "d"


def test_finishes_that_meet_at_two_joins_do_not_wait_for_each_other_for_ever():
    for _ in range(5):
        run_id, claims = siblings(CROSSED, 3)

        done = at_once(*[lambda each=each: finish(each, CROSSED, taker()) for each in claims])

        taken = [each.claim.step_id for each in done if each.claim is not None]
        ready = [queue for each in done for queue in each.ready]
        assert (taken, len(ready)) == (["x"], 1)
        assert (row(run_id, "y").status, row(run_id, "y").pending) == (StepStatus.PENDING, 0)


def test_a_sibling_that_somebody_is_taking_is_passed_over():
    run_id, (first, second) = siblings(graph_of(a="", b="a", c="a", d="a", e="a", f="b c d e"), 2)
    graph = graph_of(a="", b="a", c="a", d="a", e="a", f="b c d e")
    held = Held(lambda: STORE.claim(run_id, taker()))

    # The run's lock keeps them in line; the step's own lock need not.
    waits = Act(lambda: finish(first, graph, taker()))
    wait_until_blocked(waits)

    taken = {held.end().step_id, waits.result().claim.step_id}
    assert taken == {"d", "e"}
    assert second.step_id not in taken


def test_of_many_workers_one_gets_the_step():
    run_id = create()

    claims = at_once(*[lambda: STORE.claim(run_id, taker())] * MANY)

    assert sum(each is not None for each in claims) == 1
    assert row(run_id, "a").attempt == 1
    assert sum(each.started_run for each in claims if each is not None) == 1


def test_a_claim_that_waits_for_a_cancel_gets_nothing(monkeypatch):
    run_id = create()
    gate = gate_before(monkeypatch, finishing, "close_run")
    cancels = Act(lambda: cancel(run_id))
    gate.wait_until_reached()
    claims = Act(lambda: STORE.claim(run_id, taker()))
    wait_until_blocked(claims)
    gate.open()

    cancels.result()
    assert claims.result() is None
    assert WorkflowRun.objects.get(pk=run_id).status == RunStatus.CANCELLED


def test_a_heartbeat_beside_a_finish_does_not_lose_it():
    run_id = create()
    claimed = claim(run_id)
    beats = Held(lambda: STORE.heartbeat({claimed.lease: (0.5, "half")}, 60.0))
    finishes = Act(lambda: finish(claimed, take=taker()))
    wait_until_blocked(finishes)

    assert beats.end() == {claimed.lease}
    assert finishes.result().accepted
    assert row(run_id, "a").progress == 1.0


@pytest.mark.parametrize(("commit", "is_new"), [(True, False), (False, True)])
def test_a_start_that_waits_for_one_with_its_key_gets_that_run_or_its_own(commit, is_new):
    create()
    first, second = (new_run(idempotency_key="the same") for _ in range(2))
    held = Held(lambda: STORE.create_run(first), commit=commit)
    waits = Act(lambda: STORE.create_run(second))
    wait_until_blocked(waits)

    held.end()
    run, created = waits.result()
    assert (run.id, created) == ((second if is_new else first).id, is_new)
    assert WorkflowRun.objects.filter(idempotency_key="the same").count() == 1


@prepares
def test_a_session_behind_a_pooler_forgets_what_was_prepared():
    for _ in range(3):
        finish(claim(create()), take=taker())
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")

    finished = finish(claim(create()), take=taker())

    assert finished.claim.step_id == "b"
    with CaptureQueriesContext(connection) as captured:
        finish(finished.claim, take=taker())
    assert not captured.captured_queries[0]["sql"].startswith("EXECUTE")


@prepares
def test_a_session_that_knows_the_statement_already_uses_it():
    run_id = create()
    for _ in range(3):
        finish(claim(create()), take=taker())
    with CaptureQueriesContext(connection) as captured:
        claim(run_id)

    assert [each["sql"].split()[0] for each in captured.captured_queries] == ["EXECUTE"]


@pytest.fixture
def _no_autovacuum():
    """It would come in the middle once in a while, and have plans made anew."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gorkflow_stepexecution SET (autovacuum_enabled = off)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gorkflow_stepexecution RESET (autovacuum_enabled)")


@prepares
@pytest.mark.usefixtures("_no_autovacuum")
def test_plans_that_were_made_of_a_small_table_are_not_kept_while_it_fills():
    for _ in range(10):
        finish(claim(create()), take=taker())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE gorkflow_stepexecution, gorkflow_workflowrun")
    for _ in range(10):  # the sixth plan is kept
        finish(claim(create()), take=taker())
    known = prepared._prepared[connection.connection]
    known.plans_end = math.inf  # not by chance in the middle
    fill(2000)
    many = [create() for _ in range(20)]

    assert rows_read_one_by_one(lambda: finish(claim(many.pop()), take=taker())) > 2000
    known.plans_end = 0.0
    assert rows_read_one_by_one(lambda: finish(claim(many.pop()), take=taker())) == 0
    StepExecution.objects.filter(step_id__startswith="old-").delete()


def fill(count):
    run_id = uuid4()  # of a run that nobody asks for
    rows = [
        StepExecution(run_id=run_id, step_id=f"old-{number}", position=0, status="COMPLETED")
        for number in range(count)
    ]
    StepExecution.objects.bulk_create(rows)


def rows_read_one_by_one(act):
    """How many rows of steps PostgreSQL reads without an index."""
    counts = []
    for each in (lambda: None, act):
        each()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT 1")
            cursor.execute(
                "SELECT seq_tup_read FROM pg_stat_user_tables"
                " WHERE relname = 'gorkflow_stepexecution'"
            )
            counts.append(cursor.fetchone()[0])
    before, after = counts
    return after - before
