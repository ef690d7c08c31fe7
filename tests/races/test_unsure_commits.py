"""A commit that reaches the database while its answer is lost."""

from contextlib import contextmanager

import pytest
from django.db import OperationalError

from gorkflow import RunStatus, StepStatus, step
from gorkflow.engine.planner import Outcome
from gorkflow.errors import ErrorCode
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.stores.orm import DjangoStore, creating, finishing, transactions
from gorkflow.stores.orm import store as orm_store
from gorkflow.testing.contracts.kit import CHAIN, error, graph_of, new_run, planner_of
from tests.races.kit import engine_of, row, taker, unsure_commit, workflow_of

pytestmark = pytest.mark.django_db(transaction=True)

STORE = DjangoStore()


class Listener:
    """An observer that keeps what it hears."""

    def __init__(self):
        self.heard = []

    def run_created(self, run_id, workflow_id):
        self.heard.append("run created")

    def run_started(self, run_id, workflow_id):
        self.heard.append("run started")

    def step_ended(self, claim, status, error):
        self.heard.append(f"{claim.step_id} {status}")

    def run_ended(self, run_id, workflow_id, status, error):
        self.heard.append(f"run {status}")


@step(max_retries=0)
def one(n: int) -> int:
    return n + 1


@step(max_retries=0)
def two(n: int) -> int:
    return n + 1


def held_steps(run_id):
    return list(StepExecution.objects.held().filter(run_id=run_id).values_list("step_id", "token"))


def test_a_finish_whose_answer_is_lost_is_found_done(monkeypatch):
    run_id = STORE.create_run(new_run())[0].id
    claimed = STORE.claim(run_id, taker())
    finish = planner_of(CHAIN).finish(claimed, Outcome(status=StepStatus.COMPLETED, output="1"))

    with unsure_commit(monkeypatch, orm_store):
        finished = STORE.finish(claimed, finish, taker())

    assert finished.accepted
    assert finished.claim.step_id == "b"
    assert row(run_id, "b").attempt == 1


def test_a_claim_whose_answer_is_lost_is_still_the_callers(monkeypatch):
    run_id = STORE.create_run(new_run(graph_of(a="", b="")))[0].id
    wants = taker()

    with unsure_commit(monkeypatch, orm_store):
        claimed = STORE.claim(run_id, wants)

    assert held_steps(run_id) == [(claimed.step_id, wants.token)]


def test_a_start_whose_answer_is_lost_returns_the_new_run(monkeypatch):
    new = new_run()

    with unsure_commit(monkeypatch, creating):
        record, created = STORE.create_run(new)

    assert (record.id, created) == (new.id, True)
    assert WorkflowRun.objects.count() == 1


def test_a_start_whose_answer_is_lost_does_not_stand_in_its_own_way(monkeypatch):
    new = new_run(concurrency_key="c", resource_id="order-1", idempotency_key="k")

    with unsure_commit(monkeypatch, creating):
        record, created = STORE.create_run(new)

    assert (record.id, created) == (new.id, True)


def test_a_cancel_whose_answer_is_lost_succeeds(monkeypatch):
    run_id = STORE.create_run(new_run())[0].id

    with unsure_commit(monkeypatch, orm_store):
        STORE.end_run(run_id, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))

    assert STORE.get_run(run_id).status is RunStatus.CANCELLED


def test_a_retry_whose_answer_is_lost_succeeds(monkeypatch):
    engine = engine_of(workflow_of(one))
    run = engine.start("race", 1)
    engine.cancel(run.id)
    engine.dispatcher.hints.clear()

    with unsure_commit(monkeypatch, orm_store):
        record = engine.retry(run.id)

    assert record.status is RunStatus.PENDING
    assert len(engine.dispatcher.hints) == 1


def test_the_end_of_a_run_is_told_even_if_the_answer_of_its_commit_is_lost(monkeypatch):
    engine = engine_of(workflow_of(one))
    engine.observer = listener = Listener()
    run = engine.start("race", 1)
    original = STORE.__class__.finish

    def finish(self, *args):
        with unsure_commit(monkeypatch, orm_store):
            return original(self, *args)

    monkeypatch.setattr(DjangoStore, "finish", finish)
    engine.work(run.id)

    assert run.refresh().status is RunStatus.COMPLETED
    assert listener.heard == ["run created", "run started", "one COMPLETED", "run COMPLETED"]


def test_an_atomic_step_whose_commits_answer_is_lost_goes_on_with_the_step_it_claimed(
    monkeypatch,
):
    calls = []

    @step(atomic=True, max_retries=0)
    def careful(n: int) -> int:
        calls.append(n)
        return n

    engine = engine_of(workflow_of(careful, two))
    engine.observer = listener = Listener()
    run = engine.start("race", 1)
    original = DjangoStore.transaction

    @contextmanager
    def transaction(self):
        with unsure_commit(monkeypatch, orm_store), original(self):
            yield

    monkeypatch.setattr(DjangoStore, "transaction", transaction)
    engine.work(run.id)

    assert calls == [1]
    assert "careful FAILED" not in listener.heard
    assert run.refresh().status is RunStatus.COMPLETED


@pytest.fixture
def impatient(monkeypatch):
    """No pauses between tries."""
    monkeypatch.setattr(transactions, "FIRST_PAUSE", 0.0)


def test_a_result_that_was_stored_is_not_told_as_a_failure_however_long_the_answer_is_lost(
    monkeypatch, impatient
):
    engine = engine_of(workflow_of(one, two))
    engine.observer = listener = Listener()
    run = engine.start("race", 1)
    original = DjangoStore.finish

    def finish(self, *args):
        monkeypatch.setattr(DjangoStore, "finish", original)
        with unsure_commit(monkeypatch, orm_store, times=transactions.ATTEMPTS):
            return original(self, *args)

    monkeypatch.setattr(DjangoStore, "finish", finish)
    engine.work(run.id)

    assert row(run.id, "one").status == StepStatus.COMPLETED
    assert "one FAILED" not in listener.heard


def test_a_database_that_is_away_for_longer_is_no_failure_of_the_step(monkeypatch, impatient):
    engine = engine_of(workflow_of(one), store=DjangoStore(portable=True))
    run = engine.start("race", 1)
    original, tries = finishing.finish_step, []

    def finish_step(*args, **kwargs):
        tries.append(True)
        if len(tries) <= transactions.ATTEMPTS:
            raise OperationalError("the database is away")
        return original(*args, **kwargs)

    monkeypatch.setattr(finishing, "finish_step", finish_step)
    engine.work(run.id)

    assert len(tries) >= transactions.ATTEMPTS
    assert run.refresh().status is not RunStatus.FAILED
