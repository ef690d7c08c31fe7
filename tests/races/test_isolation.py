"""Hosts that have set a stricter isolation level: our transactions see what others commit."""

import pytest
from django.db import connection, connections

from gorkflow import RunStatus, StepStatus
from gorkflow.engine.planner import Outcome
from gorkflow.errors import ErrorCode, InvalidStateError
from gorkflow.models import WorkflowRun
from gorkflow.statuses import TERMINAL_RUNS
from gorkflow.stores.orm import DjangoStore
from gorkflow.testing.contracts.kit import error, graph_of, new_run, planner_of
from tests.races.kit import Act, Held, row, taker, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

STORE = DjangoStore()
PAIR = graph_of(a="", b="")
LEVELS = {
    "postgresql": {"repeatable read": 3, "serializable": 4},  # psycopg's numbers
    "mysql": {"repeatable read": "repeatable read", "the server's own": None},
}


@pytest.fixture(
    autouse=True, params=LEVELS.get(connection.vendor, {}).items(), ids=lambda one: one[0]
)
def _level(request, monkeypatch):
    _name, level = request.param
    options = {**connection.settings_dict["OPTIONS"], "isolation_level": level}
    monkeypatch.setitem(connections.settings["default"], "OPTIONS", options)
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    connection.close()
    yield
    connection.close()


def create(**changes):
    return STORE.create_run(new_run(PAIR, **changes))[0].id


def end(run_id, status):
    return STORE.end_run(run_id, status, error(ErrorCode.CANCELLED))


def finish(claimed):
    outcome = Outcome(status=StepStatus.COMPLETED, output=f'"{claimed.step_id}"')
    return STORE.finish(claimed, planner_of(PAIR).finish(claimed, outcome), None)


def test_a_step_limit_holds_for_a_claim_that_had_to_wait():
    run_id = STORE.create_run(new_run(graph_of(a="", b="", c=""), step_limit=2))[0].id
    assert STORE.claim(run_id, taker()) is not None
    held = Held(lambda: STORE.claim(run_id, taker()))

    other = Act(STORE.claim, run_id, taker())
    wait_until_blocked(other)

    assert held.end() is not None
    assert other.result() is None


def test_a_run_limit_holds_for_a_claim_that_had_to_wait():
    first, second = create(run_limit=1), create(run_limit=1)
    held = Held(lambda: STORE.claim(first, taker()))

    other = Act(STORE.claim, second, taker())
    wait_until_blocked(other)

    assert held.end() is not None
    assert other.result() is None
    assert WorkflowRun.objects.get(pk=second).status == RunStatus.PENDING


def test_of_two_cancels_the_later_one_is_told_that_the_run_has_ended():
    run_id = create()
    held = Held(lambda: end(run_id, RunStatus.CANCELLED))

    other = Act(end, run_id, RunStatus.FAILED)
    wait_until_blocked(other)
    held.end()

    with pytest.raises(InvalidStateError):
        other.result()


def test_of_two_retries_the_later_one_is_told_that_the_run_is_under_way():
    def restart():
        def decide(record, steps):
            if record.status not in TERMINAL_RUNS:
                raise InvalidStateError("it is under way", status=record.status)
            return planner_of(PAIR).restart(steps)

        return STORE.restart(run_id, decide)

    run_id = create()
    end(run_id, RunStatus.CANCELLED)
    held = Held(restart)

    other = Act(restart)
    wait_until_blocked(other)
    held.end()

    with pytest.raises(InvalidStateError):
        other.result()


def test_an_atomic_last_step_puts_out_what_was_finished_while_it_ran():
    run_id = create()
    first, last = (STORE.claim(run_id, taker()) for _ in range(2))

    with STORE.transaction():
        assert row(run_id, "a").status == StepStatus.RUNNING  # what a handler may read
        Act(finish, first).result()
        assert finish(last).ended_run

    assert STORE.load(run_id, run_output=True).output.replace(" ", "") == '{"a":"a","b":"b"}'
