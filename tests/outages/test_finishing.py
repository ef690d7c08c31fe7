"""The database takes no result for a while: retried, then handed back, never half-written."""

import threading
import time

import pytest
from django.db import DatabaseError, connection

from gorkflow import RunStatus, StepStatus, step
from gorkflow.engine import finisher
from gorkflow.errors import ErrorCode
from gorkflow.invariants import Verifier
from gorkflow.models import WorkflowRun
from gorkflow.stores.orm import transactions
from tests.outages.troubles import TROUBLES
from tests.races.kit import engine_of, workflow_of
from tests.shop.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)

ENGINE = connection.settings_dict["ENGINE"].rpartition(".")[2]
LARGE = "x" * 2_000_000
"""More than fits into pages that are there."""


@pytest.fixture(params=TROUBLES.get(ENGINE, []), ids=lambda kind: kind.__name__)
def trouble(request):
    found = request.param()
    yield found
    found.end()
    connection.close()


def begin_at_the_end_of_a_handler(trouble, *, lease=0.9, ends_after=None):
    """A workflow whose first step's result meets the trouble, and an engine with its lease."""
    begun = []

    def write(_value: str) -> str:
        Entry.objects.create(name=f"attempt {len(begun) + 1}")
        if not begun:
            trouble.begin()
            if ends_after is not None:
                threading.Timer(ends_after, trouble.end).start()
        begun.append(True)
        return LARGE

    def after(text: str) -> int:
        return len(text)

    workflow = workflow_of(step(write, max_retries=0), step(after))
    return engine_of(workflow, lease=lease, heartbeat=lease / 3), workflow


def test_a_start_that_finds_no_way_to_write_tells_its_caller_and_leaves_nothing(trouble):
    engine, workflow = begin_at_the_end_of_a_handler(trouble)
    trouble.begin()

    with pytest.raises(DatabaseError):
        engine.start(workflow, LARGE)

    trouble.end()
    connection.close()
    assert not WorkflowRun.objects.exists()
    assert engine.start(workflow, "small").status is RunStatus.PENDING


def test_a_result_waits_until_the_database_takes_it(trouble):
    engine, workflow = begin_at_the_end_of_a_handler(trouble, lease=30, ends_after=0.6)
    run = engine.start(workflow, "small")

    engine.work(run.id)

    assert run.refresh().output == len(LARGE)
    assert [(row.attempt, row.failures, row.crashes) for row in run.steps()] == [(1, 0, 0)] * 2
    assert Entry.objects.count() == 1


def test_a_result_that_is_not_taken_for_long_is_lost_whole_and_the_step_runs_again(
    trouble, monkeypatch
):
    monkeypatch.setattr(finisher, "PAUSE", 0.1)
    monkeypatch.setattr(transactions, "ATTEMPTS", 2)
    engine, workflow = begin_at_the_end_of_a_handler(trouble)
    run = engine.start(workflow, "small")

    engine.work(run.id)

    first, second = run.steps()
    assert first.status in {StepStatus.RUNNING, StepStatus.RETRYING}
    assert second.attempt == 0
    assert engine.store.load(run.id, outputs=["write"]).outputs == {}
    assert (
        Verifier("default", registry=engine.registry, config=engine.config).verify().findings == []
    )

    trouble.end()
    deadline = time.monotonic() + 30
    while engine.get_run(run.id).status is not RunStatus.COMPLETED:
        assert time.monotonic() < deadline
        engine.sweep()
        engine.work(run.id)
    (lost, kept) = run.steps(attempts=True)[0].attempts
    assert (lost.status, lost.error.code) == (StepStatus.FAILED, ErrorCode.WORKER_LOST)
    assert kept.status is StepStatus.COMPLETED
    assert run.steps()[0].failures == 0
