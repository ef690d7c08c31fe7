"""What can go wrong around a handler: its time, its reads, its errors."""

from contextlib import suppress

import pytest
from django.db import OperationalError, connection

from gorkflow import NonRetryableError, RunStatus, StepContext, StepStatus, WorkflowBuilder, step
from gorkflow.engine import attempt as attempt_module
from gorkflow.engine.planners import Planners
from gorkflow.errors import ErrorCode
from gorkflow.stores.base import StepOutput
from gorkflow.stores.orm import DjangoStore, finishing
from tests.races.kit import engine_of, is_postgresql, row, workflow_of

pytestmark = pytest.mark.django_db(transaction=True)


@step
def first() -> int:
    return 1


def test_an_attempt_that_is_interrupted_in_a_query_ends_with_a_timeout():
    """Here the main thread gets the alarm, in the middle of talking to the database."""
    if not is_postgresql():
        pytest.skip("a file is read without waiting")

    @step(timeout=0.1, max_retries=0)
    def waits() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(2)")

    engine = engine_of(workflow_of(waits))
    run = engine.start("race")

    engine.work(run.id)
    connection.close()  # whatever state it is in, the tests to come get a new one

    assert row(run.id, "waits").status == StepStatus.FAILED
    assert run.refresh().error.code is ErrorCode.TIMEOUT


def test_an_atomic_attempt_that_is_interrupted_in_a_query_ends_with_a_timeout():
    if not is_postgresql():
        pytest.skip("a file is read without waiting")

    @step(timeout=0.1, max_retries=0, atomic=True)
    def waits() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(2)")

    engine = engine_of(workflow_of(waits))
    run = engine.start("race")

    engine.work(run.id)
    connection.close()

    assert run.refresh().status is RunStatus.FAILED
    assert run.error.code is ErrorCode.TIMEOUT


def fails_once(monkeypatch, owner, name):
    original, failed = getattr(owner, name), []

    def flaky(*args, **kwargs):
        if not failed:
            failed.append(True)
            raise OperationalError("server closed the connection unexpectedly")
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, flaky)
    return failed


def test_an_input_that_could_not_be_read_at_once_is_no_failure_of_the_handler(monkeypatch):
    calls = []

    @step(retry_on=KeyError)
    def picky(n: int) -> int:
        calls.append(n)
        return n

    engine = engine_of(workflow_of(picky), store=DjangoStore(portable=True))
    run = engine.start("race", 1)
    failed = fails_once(monkeypatch, DjangoStore, "_load_columns")

    engine.work(run.id)

    assert failed
    assert run.refresh().status is RunStatus.COMPLETED
    assert calls == [1]


def test_outputs_that_could_not_be_read_at_once_are_no_failure_of_the_handler(monkeypatch):
    @step(max_retries=0)
    def second(n: int) -> int:
        return n

    engine = engine_of(workflow_of(first, second))
    run = engine.start("race")
    engine.work(run.id, budget=0.0)
    failed = fails_once(monkeypatch, finishing, "load_outputs")
    engine.work(run.id)

    assert failed
    assert run.refresh().status is RunStatus.COMPLETED


def test_a_graph_that_could_not_be_read_at_once_does_not_leave_the_step_held(monkeypatch):
    """The run follows its snapshot, which has to be read because the code is newer."""
    engine = engine_of(workflow_of(first))
    run = engine.start("race")
    newer = engine_of(workflow_of(first.with_(max_retries=7)))
    failed = fails_once(monkeypatch, DjangoStore, "_load_columns")

    with suppress(OperationalError):
        newer.work(run.id)

    assert failed
    assert row(run.id, "first").status != StepStatus.RUNNING


def test_what_fails_between_claim_and_handler_does_not_leave_the_step_held(monkeypatch):
    def broken(self, run):
        raise RuntimeError("a snapshot that cannot be read")

    engine = engine_of(workflow_of(first))
    run = engine.start("race")
    monkeypatch.setattr(Planners, "of_run", broken)

    with suppress(RuntimeError):
        engine.work(run.id)

    assert row(run.id, "first").status != StepStatus.RUNNING


def test_an_observer_that_fails_does_not_strand_the_step_that_comes_next():
    @step
    def second(n: int) -> int:
        return n

    class Broken:
        def step_ended(self, claim, status, error):
            raise RuntimeError("no more room in the log")

        run_created = run_started = run_ended = lambda *_args: None

    engine = engine_of(workflow_of(first, second))
    engine.observer = Broken()
    run = engine.start("race")
    for _ in range(2):
        with suppress(RuntimeError):
            engine.work(run.id)

    assert row(run.id, "second").status != StepStatus.RUNNING


def test_a_failed_step_seen_before_a_retry_is_read_again_after_it():
    """A worker's handler looks at a failed sibling; the run is retried; the worker goes on."""
    joined, broken = [], [True]

    @step(max_retries=0)
    def shaky() -> int:
        if broken:
            raise NonRetryableError("not yet")
        return 7

    @step
    def steady(ctx: StepContext) -> int:
        other = engine_of(workflow)
        other.work(ctx.run_id)
        assert row(ctx.run_id, "shaky").status == StepStatus.FAILED
        assert not ctx.has_output("shaky")
        broken.clear()
        engine.retry(ctx.run_id)
        other.work(ctx.run_id)
        assert row(ctx.run_id, "shaky").status == StepStatus.COMPLETED
        return 1

    @step
    def both(values: tuple[int, int]) -> int:
        joined.append(values)
        return sum(values)

    workflow = WorkflowBuilder("race").parallel(steady, shaky).then(both).build()
    engine = engine_of(workflow)
    run = engine.start("race")

    engine.work(run.id)

    assert run.refresh().status is RunStatus.COMPLETED
    assert joined == [(1, 7)]


def test_a_result_that_the_database_refuses_fails_the_step_and_does_not_strand_it(monkeypatch):
    store_state = finishing._store_state

    def refuse(run_id, state, using):
        if state:
            raise ValueError("a text cannot contain NUL")
        store_state(run_id, state, using)

    @step(max_retries=0)
    def notes(ctx: StepContext) -> int:
        ctx.state["seen"] = 1
        return 1

    monkeypatch.setattr(finishing, "_store_state", refuse)
    engine = engine_of(workflow_of(notes))
    run = engine.start("race")

    engine.work(run.id)

    assert run.refresh().status is RunStatus.FAILED
    assert run.error.code is ErrorCode.INTERNAL_ERROR


@pytest.mark.parametrize("name", ["a\x00b", "\udcff"], ids=["NUL", "surrogate"])
def test_a_state_name_that_no_database_takes_is_refused_where_it_is_used(name):
    refused = []

    @step(max_retries=0)
    def notes(ctx: StepContext) -> int:
        try:
            ctx.state[name] = 1
        except (TypeError, ValueError) as error:
            refused.append(error)
        return 1

    engine = engine_of(workflow_of(notes))
    run = engine.start("race")

    engine.work(run.id)

    assert refused
    assert run.refresh().status is RunStatus.COMPLETED


@pytest.mark.parametrize("reason", ["a\x00b", "\udcff"], ids=["NUL", "surrogate"])
def test_a_run_is_cancelled_whatever_the_reason_looks_like(reason):
    engine = engine_of(workflow_of(first))
    run = engine.start("race")

    engine.cancel(run.id, reason=reason)

    assert run.refresh().status is RunStatus.CANCELLED


class WeirdError(Exception):
    def __str__(self):
        return "NUL \x00, surrogate \udcff, " + "long " * 10_000


@pytest.mark.parametrize("atomic", [False, True])
def test_any_error_text_is_stored(atomic):
    @step(max_retries=0, atomic=atomic)
    def fails() -> None:
        raise WeirdError

    engine = engine_of(workflow_of(fails))
    run = engine.start("race")

    engine.work(run.id)

    assert run.refresh().error.message.startswith("NUL \\x00, surrogate \\udcff")


@pytest.mark.parametrize("depth", [150, 1100, 3000])
def test_an_output_of_any_depth_is_stored_or_fails_the_step(depth):
    @step(max_retries=0)
    def nests() -> object:
        value = []
        for _ in range(depth):
            value = [value]
        return value

    engine = engine_of(workflow_of(nests))
    run = engine.start("race")

    engine.work(run.id)

    assert run.refresh().status.is_terminal


@pytest.mark.parametrize("value", [10**30, -(10**400), 1e308, 5e-324], ids=str)
def test_a_number_of_any_size_comes_back_as_it_was(value):
    def counts():
        return value

    counts.__annotations__["return"] = type(value)
    engine = engine_of(workflow_of(step(counts, max_retries=0)))
    run = engine.start("race")

    engine.work(run.id)

    assert run.refresh().output == value


def test_an_interrupted_process_gives_its_step_back(monkeypatch):
    @step
    def stops() -> None:
        raise KeyboardInterrupt

    engine = engine_of(workflow_of(stops))
    run = engine.start("race")

    with pytest.raises(KeyboardInterrupt):
        engine.work(run.id)

    found = row(run.id, "stops")
    assert (found.status, found.attempt, found.token) == (StepStatus.PENDING, 0, None)


def test_an_interrupt_after_the_commit_does_not_strand_the_step_that_comes_next(monkeypatch):
    """The signal comes when the result is stored and the next step claimed."""
    finish, interrupted = DjangoStore.finish, []

    def finish_and_stop(self, claim, *args):
        finished = finish(self, claim, *args)
        if not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return finished

    @step
    def second(n: int) -> int:
        return n

    engine = engine_of(workflow_of(first, second))
    run = engine.start("race")
    monkeypatch.setattr(DjangoStore, "finish", finish_and_stop)

    with pytest.raises(KeyboardInterrupt):
        engine.work(run.id)

    assert row(run.id, "first").status == StepStatus.COMPLETED
    assert row(run.id, "second").status != StepStatus.RUNNING


def test_the_cache_of_a_worker_is_bounded():
    cache = attempt_module.RunCache()
    for number in range(1000):
        cache.keep(str(number), StepOutput(status=StepStatus.COMPLETED, output="1" * 10_000))

    assert len(cache.outputs) <= 257
