"""Each invariant, broken by hand: the checker says which and where, and repairs what is certain."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from gorkflow.config import StartOptions
from gorkflow.models import DefinitionSnapshot, RunState, StepAttempt, StepExecution, WorkflowRun
from tests.invariants.kit import chain, codes, diamond, engine_of, limited, verify

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engine():
    return engine_of(diamond, chain, limited)


@pytest.fixture
def active(engine):
    """A diamond after its first step: `left` and `right` wait for a worker, `total` for them."""
    run = engine.start(diamond, 1)
    engine.work(run.id, queue="celery", budget=0)
    assert run.refresh().status == "RUNNING"
    return run


@pytest.fixture
def completed(engine):
    run = engine.start(diamond, 1)
    engine.run_to_end(run.id)
    return run


@pytest.fixture
def failed(engine):
    run = engine.start(chain, -1)
    engine.run_to_end(run.id)
    return run


def steps(run, *ids):
    return StepExecution.objects.filter(run_id=run.id, step_id__in=ids)


def change(run, **changes):
    assert WorkflowRun.objects.filter(pk=run.id).update(**changes) == 1


def soon():
    return timezone.now() + timedelta(seconds=60)


BROKEN_ACTIVE_RUNS = {
    "no child counts its parents": (
        lambda run: steps(run, "total").update(pending=1),
        [("PENDING_COUNT", "total")],
    ),
    "a child waits for more parents than it has": (
        lambda run: steps(run, "left").update(pending=1),
        [("DUE_TIME", "left"), ("PENDING_COUNT", "left")],
    ),
    "nobody is told of a step": (
        lambda run: steps(run, "left", "right").update(due_at=None),
        [("DUE_TIME", "left"), ("DUE_TIME", "right"), ("STUCK_RUN", "")],
    ),
    "a step that waits for others is due": (
        lambda run: steps(run, "total").update(due_at=soon()),
        [("DUE_TIME", "total")],
    ),
    "a finished step is due": (
        lambda run: steps(run, "ask").update(due_at=soon()),
        [("DUE_TIME", "ask")],
    ),
    "a ready step was never inserted": (
        lambda run: steps(run, "left", "right").delete(),
        [("MISSING_STEP", "left"), ("MISSING_STEP", "right"), ("STUCK_RUN", "")],
    ),
    "a join has no row": (
        lambda run: steps(run, "total").delete(),
        [("MISSING_STEP", "total")],
    ),
    "a running step has no token": (
        lambda run: steps(run, "left").update(
            status="RUNNING", attempt=1, due_at=soon(), started_at=timezone.now()
        ),
        [("LEASE", "left")],
    ),
    "the last steps are counted wrong": (
        lambda run: change(run, open_sinks=3),
        [("OPEN_SINKS", "")],
    ),
    "the steps are counted wrong": (lambda run: change(run, total_steps=3), [("GRAPH", "")]),
}


@pytest.mark.parametrize("case", BROKEN_ACTIVE_RUNS)
def test_a_broken_active_run_is_found_repaired_and_ends(engine, active, case):
    break_it, expected = BROKEN_ACTIVE_RUNS[case]
    break_it(active)

    report = verify(engine)
    assert codes(report) == expected
    assert not report.is_sound
    assert {finding.run_id for finding in report.findings} == {active.id}

    repaired = verify(engine, fix=True)
    assert codes(repaired) == expected
    assert repaired.is_sound
    assert verify(engine).findings == []
    engine.sweep()  # has what a repair gave up
    engine.run_to_end(active.id)
    assert active.refresh().output == 5
    assert verify(engine).findings == []


BROKEN_ENDED_RUNS = {
    "it keeps its deadline": (lambda run: change(run, deadline_at=soon()), [("RUN_TIMES", "")]),
    "a step waits": (
        lambda run: steps(run, "ask").update(status="PENDING"),
        [("LIVE_STEP_IN_ENDED_RUN", "ask")],
    ),
}


@pytest.mark.parametrize("case", BROKEN_ENDED_RUNS)
def test_a_broken_failed_run_is_found_repaired_and_can_be_retried(engine, failed, case):
    break_it, expected = BROKEN_ENDED_RUNS[case]
    break_it(failed)

    assert set(expected) <= set(codes(verify(engine)))
    verify(engine, fix=True)
    assert set(expected).isdisjoint(codes(verify(engine)))


def test_a_resource_that_an_ended_run_still_holds_is_let_go(engine):
    options = StartOptions(resource_id="order-1", concurrency_check=True)
    run = engine.start(chain, 1, options)
    engine.run_to_end(run.id)
    change(run, active_key=WorkflowRun.objects.get().concurrency_key)

    assert codes(verify(engine, fix=True)) == [("RUN_KEY", "")]
    assert engine.start(chain, 1, options).status == "PENDING"


BROKEN_WITHOUT_REPAIR = {
    "completed without an end": (lambda run: change(run, ended_at=None), [("RUN_TIMES", "")]),
    "completed with an error": (lambda run: change(run, error={"code": "X"}), [("RUN_ERROR", "")]),
    "completed, but the last step is missing": (
        lambda run: steps(run, "total").delete(),
        [("OPEN_SINKS", "")],
    ),
    "a step began before its parents were over": (
        lambda run: steps(run, "left").delete(),
        [("EARLY_STEP", "total")],
    ),
    "a step that the graph does not have": (
        lambda run: steps(run, "ask").update(step_id="asked"),
        [("EARLY_STEP", "left"), ("EARLY_STEP", "right"), ("UNKNOWN_STEP", "asked")],
    ),
    "attempts with a gap": (
        lambda run: steps(run, "ask").update(attempt=3),
        [("ATTEMPTS", "ask")],
    ),
    "completed without an attempt": (
        lambda run: steps(run, "ask").update(attempt=0),
        [("ATTEMPTS", "ask")],
    ),
    "an attempt that was never made": (
        lambda run: StepAttempt.objects.create(
            step=steps(run, "ask").get(), number=2, status="FAILED"
        ),
        [("ATTEMPTS", "ask")],
    ),
    "an output of another type": (
        lambda run: steps(run, "left").update(output={"no": "number"}),
        [("OUTPUT", "left")],
    ),
    "a run's output of another type": (
        lambda run: change(run, output="many"),
        [("OUTPUT", "")],
    ),
    "a graph that cannot be read": (
        lambda run: DefinitionSnapshot.objects.update(graph=[{"what": "is this"}]),
        [("GRAPH", "")],
    ),
}


@pytest.mark.parametrize("case", BROKEN_WITHOUT_REPAIR)
def test_what_cannot_be_repaired_for_sure_is_found_and_left(engine, completed, case):
    break_it, expected = BROKEN_WITHOUT_REPAIR[case]
    break_it(completed)

    assert codes(verify(engine)) == expected
    report = verify(engine, fix=True)
    assert codes(report) == expected
    assert not report.is_sound


def test_a_failed_run_without_an_error_and_one_that_runs_and_never_started(engine, failed, active):
    change(failed, error=None)
    change(active, started_at=None)

    assert codes(verify(engine)) == [("RUN_ERROR", ""), ("RUN_TIMES", "")]


def test_more_runs_than_the_limit_lets_in(engine):
    for _ in range(2):
        engine.start(limited, 1)
    now = timezone.now()
    WorkflowRun.objects.update(status="RUNNING", started_at=now)

    (finding,) = verify(engine).findings

    assert (finding.invariant, finding.data["found"], finding.data["expected"]) == (
        "RUN_LIMIT",
        2,
        1,
    )


def test_more_steps_than_the_run_lets_run(engine, active):
    change(active, step_limit=1)
    for step_id in ("left", "right"):
        steps(active, step_id).update(
            status="RUNNING", attempt=1, due_at=soon(), token=uuid4(), started_at=timezone.now()
        )

    assert codes(verify(engine)) == [("STEP_LIMIT", "")]


@pytest.mark.skipif(
    connection.vendor == "postgresql", reason="PostgreSQL lets only superusers leave out its checks"
)
def test_rows_that_belong_to_nothing_are_found_and_deleted(engine, completed):
    step = steps(completed, "ask").get()
    StepAttempt.objects.create(step=step, number=1, status="FAILED")
    RunState.objects.create(run_id=completed.id, name="n", value=1)
    with connection.constraint_checks_disabled():
        WorkflowRun.objects.filter(pk=completed.id)._raw_delete("default")

        report = verify(engine)
        assert [finding.data["model"] for finding in report.findings] == [
            "StepExecution",
            "RunState",
        ]
        verify(engine, fix=True)
        # Its attempts belong to nothing only now.
        verify(engine, fix=True)
        assert verify(engine).findings == []
    assert not StepExecution.objects.exists()
    assert not RunState.objects.exists()
    assert not StepAttempt.objects.exists()
