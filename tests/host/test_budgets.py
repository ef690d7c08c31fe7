"""How many queries the hot paths may take: a number each, whatever the size of the run."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gorkflow import WorkflowBuilder, registry, step
from gorkflow.config import EngineConfig
from gorkflow.definition.binding import using_engine
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.stores.orm import DjangoStore
from gorkflow.stores.orm.hot import hot_path

# Where the database has the fast path, a transition is one statement.
IS_PLAIN = hot_path(connection) is not None and connection.vendor != "postgresql"
START, STEP = (3, 3) if IS_PLAIN else (1, 1)
"""Statements; more than one are in one transaction."""
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK", "PREPARE")

pytestmark = pytest.mark.django_db(transaction=True)


@step
def increment(n: int) -> int:
    return n + 1


@pytest.fixture
def engine():
    with using_engine(Engine(DjangoStore(), InlineDispatcher())) as engine:
        yield engine


@pytest.fixture
def chain(engine):
    made = []

    def build(length):
        steps = [increment.with_(id=f"s{i}") for i in range(length)]
        workflow = WorkflowBuilder(f"chain-{length}").sequence(*steps).build()
        made.append(registry.register(workflow))
        return workflow

    yield build
    for workflow in made:
        registry.unregister(workflow.id)


def statements(act):
    """Return how many statements `act` sends, transaction control apart."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        act()
    return sum(not query["sql"].startswith(CONTROL) for query in captured.captured_queries)


def test_a_start_costs_the_same_whatever_the_length(engine, chain):
    short, long = chain(3), chain(300)
    for workflow in (short, long):
        workflow.start(1)

    assert statements(lambda: short.start(1)) == START
    assert statements(lambda: long.start(1)) == START


def test_a_sequential_step_costs_the_same_whatever_the_length(engine, chain):
    costs = []
    for length in (10, 110, 410):
        run = chain(length).start(0)
        costs.append(statements(lambda run=run: engine.work(run.id, budget=1000)))

    assert (costs[2] - costs[1]) / 300 == (costs[1] - costs[0]) / 100
    assert (costs[1] - costs[0]) / 100 <= STEP


def test_reading_a_page_of_runs_takes_two_queries(engine, chain):
    for _ in range(5):
        engine.work(chain(3).start(1).id)

    assert statements(engine.list_runs) == 2


def test_an_idle_sweep_takes_five_queries_and_writes_nothing(engine, chain):
    engine.work(chain(3).start(1).id)

    with CaptureQueriesContext(connection) as captured:
        engine.sweep()

    queries = [query["sql"] for query in captured.captured_queries]
    assert len(queries) == 5
    assert all(sql.startswith("SELECT") for sql in queries)


def test_a_retention_with_nothing_to_delete_takes_a_query_a_status_more(engine, chain):
    engine.work(chain(3).start(1).id)
    engine.config = EngineConfig(retention={"COMPLETED": 30, "FAILED": 90})

    with CaptureQueriesContext(connection) as captured:
        engine.sweep()

    queries = [query["sql"] for query in captured.captured_queries]
    assert len(queries) == 7
    assert all(sql.startswith("SELECT") for sql in queries)


@pytest.mark.skipif(connection.vendor == "mysql", reason="a write there tells no times")
def test_a_run_that_has_ended_where_it_was_started_is_not_read(engine, chain):
    workflow = chain(3)
    workflow.start(1, synchronous=True)

    def run_and_look():
        run = workflow.start(1, synchronous=True)
        assert (run.status, run.output) == ("COMPLETED", 4)
        assert run.record.ended_at >= run.record.started_at

    written = statements(lambda: workflow.start(1, synchronous=True))
    assert statements(run_and_look) == written
