"""What users test their workflows with."""

import pytest
from django.db import transaction

from gorkflow import NotFoundError, RunStatus, StepContext, WorkflowBuilder, step
from gorkflow.errors import WaitTimeoutError
from gorkflow.testing import local_engine
from tests.shop.models import Entry


@step(max_retries=2, retry_delay=3600)
def flaky(ctx: StepContext, n: int) -> int:
    if ctx.attempt < 3:
        raise ValueError("not yet")
    return n


@step(atomic=True, max_retries=1)
def enter(ctx: StepContext, n: int) -> int:
    Entry.objects.create(name=f"attempt {ctx.attempt}")
    if ctx.attempt == 1:
        raise ValueError("after the write")
    return n


def test_hours_of_retries_take_no_time():
    workflow = WorkflowBuilder("w").then(flaky).build()

    with local_engine(workflow) as engine:
        run = workflow.start(1)
        assert engine.drain() == 3

    assert run.refresh().output == 1


def test_waiting_for_a_run_works_it_off():
    workflow = WorkflowBuilder("w").then(flaky).build()

    with local_engine(workflow):
        assert workflow.start(1).wait().output == 1


def test_waiting_for_what_nobody_can_do_gives_up():
    workflow = WorkflowBuilder("w").then(flaky).build()

    with local_engine(workflow) as engine:
        run = workflow.start(1)
        engine.registry.unregister("w")
        with pytest.raises(WaitTimeoutError, match="nothing is left"):
            run.wait()


@pytest.mark.django_db
def test_the_writes_of_an_atomic_step_are_rolled_back_where_a_transaction_is_given():
    workflow = WorkflowBuilder("w").then(enter).build()

    with local_engine(workflow, atomic=transaction.atomic):
        run = workflow.start(1).wait()

    assert run.status is RunStatus.COMPLETED
    assert [entry.name for entry in Entry.objects.all()] == ["attempt 2"]


def test_a_run_id_may_be_text_and_nonsense_is_not_found():
    workflow = WorkflowBuilder("w").then(flaky).build()

    with local_engine(workflow) as engine:
        run = workflow.start(1).wait()
        assert engine.run(str(run.id)).output == 1
        for act in (engine.run, engine.cancel, engine.retry, engine.rerun, engine.get_steps):
            with pytest.raises(NotFoundError):
                act("nope")


def test_a_step_that_is_done_is_wholly_done():
    workflow = WorkflowBuilder("w").then(flaky).build()

    with local_engine(workflow):
        (record,) = workflow.start(1).wait().steps()

    assert record.progress == 1.0
