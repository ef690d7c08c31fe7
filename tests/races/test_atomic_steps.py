"""Steps whose writes and whose finish are one transaction."""

import threading
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, transaction

from gorkflow import RunStatus, StartOptions, StepContext, StepStatus, WorkflowBuilder, step
from gorkflow.errors import DefinitionError, PayloadError
from gorkflow.models import RunState, StepAttempt
from gorkflow.stores.orm import DjangoStore, finishing
from tests.races.kit import PATIENCE, Act, end_lease, engine_of, row, workflow_of
from tests.shop.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)


@step
def last(value: int) -> int:
    return value


def works_off(engine, run):
    """Do what a worker does with one message, and what it does after a retry's delay."""
    for _ in range(3):
        engine.work(run.id)
    return run.refresh()


def break_at_commit():
    """Leave a reference to nothing behind, which the database notices at the commit."""
    StepAttempt.objects.create(step_id=987654321, number=1, status="FAILED")


def test_a_write_and_its_finish_are_committed_together_or_not_at_all():
    @step(atomic=True, max_retries=0)
    def enter(n: int) -> int:
        Entry.objects.create(name="written")
        break_at_commit()
        return n

    engine = engine_of(workflow_of(enter, last))
    run = engine.start("race", 1)

    works_off(engine, run)

    assert run.status is RunStatus.FAILED
    assert Entry.objects.count() == 0


def test_a_cancel_beside_an_atomic_step_undoes_what_the_step_wrote():
    @step(atomic=True)
    def enter(n: int) -> int:
        if connection.vendor != "sqlite":
            Act(engine.cancel, run.id).result()
        Entry.objects.create(name="written")
        return n

    engine = engine_of(workflow_of(enter, last))
    run = engine.start("race", 1)

    works_off(engine, run)

    if connection.vendor == "sqlite":
        # The handler holds the only lock there is, so no cancel comes between.
        assert run.status is RunStatus.COMPLETED
    else:
        assert run.status is RunStatus.CANCELLED
        assert Entry.objects.count() == 0


@pytest.mark.parametrize("leave", ["rollback", "error", "closed"])
def test_a_handler_that_leaves_its_transaction_broken_fails_and_leaves_nothing(leave):
    @step(atomic=True, max_retries=0)
    def enter(n: int) -> int:
        Entry.objects.create(name="written")
        if leave == "rollback":
            transaction.set_rollback(True)
        elif leave == "closed":
            connection.close()
        else:
            try:
                with transaction.atomic(savepoint=False):
                    Entry.objects.create(pk="no number", name="written")
            except ValueError:
                pass
        return n

    engine = engine_of(workflow_of(enter, last))
    run = engine.start("race", 1)

    works_off(engine, run)

    assert run.status is RunStatus.FAILED
    assert Entry.objects.count() == 0


def test_a_commit_hook_that_fails_does_not_strand_the_step_that_comes_next():
    """The hook runs when the step is committed and the next one claimed."""

    def hook():
        raise ConnectionError("no mail today")

    @step(atomic=True, max_retries=0)
    def enter(n: int) -> int:
        transaction.on_commit(hook)
        return n

    engine = engine_of(workflow_of(enter, last))
    run = engine.start("race", 1)

    works_off(engine, run)

    assert row(run.id, "enter").status == StepStatus.COMPLETED
    assert run.status is RunStatus.COMPLETED


def test_an_output_that_was_rolled_back_is_not_handed_on():
    seen = []

    @step(atomic=True, max_retries=0, continue_on_error=True)
    def enter(n: int) -> int:
        break_at_commit()
        return n

    @step
    def after(ctx: StepContext, value: int | None) -> None:
        seen.append((value, ctx.has_output(enter)))

    engine = engine_of(workflow_of(enter, after))
    run = engine.start("race", 1)

    works_off(engine, run)

    assert row(run.id, "enter").status == StepStatus.FAILED
    assert seen == [(None, False)]


def test_a_deadlock_in_an_atomic_step_is_not_a_failure_of_the_step(monkeypatch):
    """The database asks for another try; a step without retries of its own gets it too."""
    calls, store_step = [], finishing._store_step

    def deadlock_once(*args):
        if len(calls) == 1:
            calls.append("deadlock")
            raise OperationalError("deadlock detected")
        return store_step(*args)

    @step(atomic=True, max_retries=0)
    def enter(n: int) -> int:
        calls.append("call")
        Entry.objects.create(name="written")
        return n

    engine = engine_of(workflow_of(enter))
    run = engine.start("race", 1)
    monkeypatch.setattr(finishing, "_store_step", deadlock_once)

    works_off(engine, run)

    assert run.status is RunStatus.COMPLETED
    assert Entry.objects.count() == 1


def test_two_atomic_steps_that_refer_to_their_run_do_not_deadlock():
    """A row that refers to the run locks it too; a host's models may well have such a column."""
    both, failures = threading.Barrier(2, timeout=PATIENCE), []

    def entered(ctx, name):
        RunState.objects.create(run_id=ctx.run_id, name=name, value=1)
        # Elsewhere a reference to the run keeps others from the run until it is committed.
        if connection.vendor == "postgresql":
            both.wait()
        return name

    @step(atomic=True, retry_delay=0, jitter=0)
    def left(ctx: StepContext) -> str:
        failures.append(ctx.attempt) if ctx.attempt > 1 else None
        return entered(ctx, "left") if ctx.attempt == 1 else "left"

    @step(atomic=True, retry_delay=0, jitter=0)
    def right(ctx: StepContext) -> str:
        failures.append(ctx.attempt) if ctx.attempt > 1 else None
        return entered(ctx, "right") if ctx.attempt == 1 else "right"

    engine = engine_of(WorkflowBuilder("race").parallel(left, right).build())
    run = engine.start("race")

    for worker in [Act(engine.work, run.id), Act(engine.work, run.id)]:
        worker.result()

    assert run.refresh().status is RunStatus.COMPLETED
    assert failures == [] or connection.vendor == "mysql"


def test_an_async_handler_of_an_atomic_step_writes_in_the_transaction_of_its_step():
    inside = []

    try:

        @step(atomic=True, max_retries=0)
        async def enter(n: int) -> int:
            inside.append(await sync_to_async(lambda: connection.in_atomic_block)())
            return n

        engine = engine_of(workflow_of(enter))
    except DefinitionError:
        return  # refusing it is as good

    run = engine.start("race", 1)
    works_off(engine, run)

    assert inside == [True]


def test_an_error_that_cannot_be_stored_still_fails_the_atomic_step():
    @step(atomic=True, max_retries=0)
    def enter(n: int) -> int:
        raise PayloadError("no", errors=[{"loc": [UUID(int=n)], "msg": "no", "type": "no"}])

    engine = engine_of(workflow_of(enter))
    run = engine.start("race", 1)

    works_off(engine, run)

    assert run.status is RunStatus.FAILED


def test_a_lost_atomic_step_undoes_its_writes_when_it_comes_back():
    lost = []

    @step(atomic=True)
    def enter(ctx: StepContext, n: int) -> int:
        Entry.objects.create(name=f"attempt {ctx.attempt}")
        if connection.vendor != "sqlite" and ctx.attempt == 1:
            Act(lose, ctx.run_id).result()
            lost.append(ctx.attempt)
        return n

    def lose(run_id):
        end_lease(run_id, "enter")
        engine.sweep()

    engine = engine_of(workflow_of(enter))
    run = engine.start("race", 1)

    works_off(engine, run)

    assert run.status is RunStatus.COMPLETED
    assert [each.name for each in Entry.objects.all()] == [f"attempt {1 + len(lost)}"]


def test_an_atomic_step_inside_a_callers_transaction_goes_with_it():
    @step(atomic=True, max_retries=1, retry_delay=0, jitter=0)
    def enter(ctx: StepContext, n: int) -> int:
        Entry.objects.create(name=f"attempt {ctx.attempt}")
        if ctx.attempt == 1:
            raise ValueError("after the write")
        return n

    engine = engine_of(workflow_of(enter))
    with transaction.atomic():
        run = engine.start("race", 1, StartOptions(synchronous=True))
        names = [each.name for each in Entry.objects.all()]
        transaction.set_rollback(True)

    assert (run.status, names) == (RunStatus.COMPLETED, ["attempt 2"])
    assert Entry.objects.count() == 0
    assert DjangoStore().sweep(limit=10, resend_after=0.0).hints == []
