"""Sweeps that meet trouble, and limits seen from the side."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from gorkflow import RunStatus, StartOptions, StepContext, StepStatus, WorkflowBuilder, step
from gorkflow.dispatch.celery import CeleryDispatcher
from gorkflow.engine.planner import Outcome
from gorkflow.errors import ErrorCode
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.models.querysets import RunQuerySet
from gorkflow.stores.orm import DjangoStore, transactions
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.testing.contracts.kit import CHAIN, error, graph_of, new_run, planner_of
from tests.races.kit import (
    Act,
    at_once,
    end_lease,
    engine_of,
    gate_after,
    gate_before,
    make_old,
    messages_of,
    row,
    taker,
    wait_until_blocked,
    workflow_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

STORE = DjangoStore()


@step
def one() -> int:
    return 1


@step
def other() -> int:
    return 2


def test_one_step_that_cannot_be_given_away_does_not_stop_the_sweep(monkeypatch):
    engine = engine_of(workflow_of(one))
    bad, lost, waiting = (engine.start("race") for _ in range(3))
    for run in (bad, lost):
        STORE.claim(run.id, taker())
        end_lease(run.id, "one")
    StepExecution.objects.filter(run_id=bad.id).update(due_at=DatabaseTime(-9.0))
    make_old(waiting.id)
    messages_of(engine)
    finish = DjangoStore.finish

    def refuse_bad(self, claim, *args):
        if claim.run_id == bad.id:
            raise OperationalError("lock timeout")
        return finish(self, claim, *args)

    monkeypatch.setattr(DjangoStore, "finish", refuse_bad)
    for _ in range(2):
        with suppress(OperationalError):
            engine.sweep()

    assert row(lost.id, "one").crashes == 1
    assert waiting.id in {hint.run_id for hint in messages_of(engine)}


def test_a_run_that_is_retried_while_a_sweep_ends_it_for_being_late_is_left_alone(monkeypatch):
    engine = engine_of(workflow_of(one))
    run = engine.start("race")
    WorkflowRun.objects.filter(pk=run.id).update(timeout=3600.0, deadline_at=DatabaseTime(-1.0))
    gate = gate_before(monkeypatch, DjangoStore, "end_run")

    slow_sweep = Act(engine.sweep)
    gate.wait_until_reached()
    engine.sweep()
    assert run.refresh().error.code is ErrorCode.TIMEOUT
    engine.retry(run.id)
    gate.open()
    slow_sweep.result()

    assert run.refresh().status is RunStatus.PENDING


def test_a_synchronous_run_in_a_transaction_does_not_touch_the_runs_of_others():
    @step(max_retries=1, retry_delay=0.2, jitter=0)
    def flaky(ctx: StepContext) -> int:
        if ctx.attempt == 1:
            raise ValueError("once")
        return 1

    engine = engine_of(workflow_of(one), workflow_of(flaky, name="flaky"))
    stranger = engine.start("race")
    make_old(stranger.id)
    before = row(stranger.id, "one").due_at

    with transaction.atomic():
        engine.start("flaky", None, StartOptions(synchronous=True))
        during = row(stranger.id, "one").due_at

    assert during == before


def test_a_retried_run_with_a_running_sibling_waits_for_its_place_under_the_run_limit(monkeypatch):
    """The sibling's finish claims the next step; somebody else is being let in meanwhile."""
    graph = graph_of(a="", b="", c="a")
    planner = planner_of(graph)
    first, second = (STORE.create_run(new_run(graph, run_limit=1))[0].id for _ in range(2))
    sibling, failing = STORE.claim(first, taker()), STORE.claim(first, taker())
    outcome = Outcome(status=StepStatus.FAILED, error=error(), retryable=False)
    STORE.finish(failing, planner.finish(failing, outcome), None)
    STORE.restart(first, lambda _run, steps: planner.restart(steps))
    done = planner.finish(sibling, Outcome(status=StepStatus.COMPLETED, output="1"))
    gate = gate_after(monkeypatch, RunQuerySet, "count")

    lets_in = Act(STORE.claim, second, taker())
    gate.wait_until_reached()
    goes_on = Act(STORE.finish, sibling, done, taker())
    wait_until_blocked(goes_on)
    gate.open()
    lets_in.result()
    goes_on.result()

    assert WorkflowRun.objects.filter(status=RunStatus.RUNNING).count() <= 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it has one writer at a time")
@pytest.mark.parametrize("by", ["finish", "cancel"])
def test_a_run_that_comes_while_the_one_before_it_ends_is_sent_for(monkeypatch, by):
    """Its own message finds no place: the other run has ended, but nobody can see that yet."""
    graph = graph_of(a="")
    first = STORE.create_run(new_run(graph, run_limit=1))[0].id
    claimed = STORE.claim(first, taker())
    done = planner_of(graph).finish(claimed, Outcome(status=StepStatus.COMPLETED, output="1"))
    acts = {
        "finish": lambda: DjangoStore(portable=True).finish(claimed, done, None).wake,
        "cancel": lambda: STORE.end_run(first, RunStatus.CANCELLED, error()),
    }
    elsewhere = lambda _: threading.current_thread() is not threading.main_thread()  # noqa: E731
    gate = gate_before(monkeypatch, BaseDatabaseWrapper, "commit", when=elsewhere)

    ends = Act(acts[by])
    gate.wait_until_reached()
    second = STORE.create_run(new_run(graph, run_limit=1))[0].id
    assert STORE.claim(second, taker()) is None
    gate.open()

    assert [hint.run_id for hint in ends.result()] == [second]


def test_a_step_on_another_queue_is_sent_for_when_the_step_limit_lets_it_in():
    left, right = one.with_(queue="left"), other.with_(queue="right")
    workflow = WorkflowBuilder("race").parallel(left, right).configure(max_concurrency=1).build()
    engine = engine_of(workflow)
    run = engine.start("race")
    held = STORE.claim(run.id, taker(queue="left"))
    # The message for the other queue comes while the limit is reached, and is used up.
    assert engine.work(run.id, queue="right") == 0
    give_back = engine.planners.of_run(held).finish(held, Outcome(status=StepStatus.PENDING))
    STORE.finish(held, give_back, None)
    messages_of(engine)

    engine.work(run.id, queue="left")

    assert "right" in {hint.queue for hint in messages_of(engine)}


def test_a_run_that_no_worker_knows_does_not_keep_others_from_their_places():
    old = workflow_of(one, version="1", max_concurrent_runs=1)
    new = workflow_of(one, version="2", max_concurrent_runs=1)
    before, after = engine_of(old), engine_of(new)
    before.start("race")

    run = after.start("race")
    after.work(run.id)

    assert run.refresh().status is RunStatus.COMPLETED


def test_an_unknown_version_is_left_alone_and_taken_by_who_knows_it():
    old, new = workflow_of(one, version="1"), workflow_of(one, version="2")
    before, after = engine_of(old), engine_of(new)
    run = before.start("race")

    assert after.work(run.id) == 0
    assert row(run.id, "one").attempt == 0
    assert before.work(run.id) == 1


def test_workers_that_claim_under_a_run_limit_do_not_deadlock(monkeypatch):
    failed = []
    monkeypatch.setattr(
        transactions.log, "warning", lambda *_args, **data: failed.append(data), raising=False
    )
    runs = [STORE.create_run(new_run(run_limit=10))[0].id for _ in range(4)]

    at_once(*[lambda each=each: STORE.claim(each, taker()) for each in runs])

    assert connection.vendor == "sqlite" or failed == []


def test_a_start_that_is_rolled_back_leaves_nothing_and_sends_nothing():
    engine = engine_of(workflow_of(one))
    engine.dispatcher = CeleryDispatcher()
    published = []
    engine.dispatcher._take = published.append
    with transaction.atomic():
        engine.start("race")
        transaction.set_rollback(True)
    engine.start("race")

    assert WorkflowRun.objects.count() == 1
    assert len(published) == 1


def test_a_late_heartbeat_of_a_lost_step_does_not_take_the_new_lease():
    run_id = STORE.create_run(new_run())[0].id
    old = STORE.claim(run_id, taker())
    end_lease(run_id, "a")
    STORE.finish(old, planner_of(CHAIN).lost(old), None)
    STORE.claim(run_id, taker())

    assert STORE.heartbeat({old.lease: None}, 3600.0) == set()
    assert row(run_id, "a").due_at - STORE.now() < timedelta(seconds=120)
