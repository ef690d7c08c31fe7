"""Runs and the host's own transactions."""

import pytest
from django.db import connection, transaction

from gorkflow import RunStatus, StepContext, StepStatus, WorkflowBuilder, register, registry, step
from gorkflow.models import WorkflowRun
from gorkflow.wiring import get_engine
from tests.shop.models import Entry
from tests.shop.workflows import Job, careful, plain


class RefusedError(Exception):
    """Rolls a test's transaction back."""


@pytest.fixture
def sent(monkeypatch):
    """Collect what would be published."""
    hints = []
    monkeypatch.setattr(get_engine().dispatcher, "_take", hints.append)
    return hints


@pytest.fixture
def make():
    """Register workflows for one test."""
    made = []

    def build(builder):
        made.append(register(builder.build()))
        return made[-1]

    yield build
    for workflow in made:
        registry.unregister(workflow.id)


@pytest.mark.django_db(transaction=True)
def test_a_start_inside_a_transaction_is_told_of_when_that_commits(sent):
    with transaction.atomic():
        run = plain.start(Job())
        assert sent == []

    assert [hint.run_id for hint in sent] == [run.id]
    assert run.refresh().status is RunStatus.PENDING


@pytest.mark.django_db(transaction=True)
def test_a_start_inside_a_transaction_that_rolls_back_never_was(sent):
    with pytest.raises(RefusedError), transaction.atomic():  # noqa: PT012
        plain.start(Job())
        raise RefusedError

    assert sent == []
    assert not WorkflowRun.objects.exists()
    assert plain.start(Job()).refresh().status is RunStatus.PENDING


@pytest.mark.django_db(transaction=True)
def test_an_idempotency_conflict_leaves_the_callers_transaction_usable(sent):
    plain.start(Job(), idempotency_key="k")

    with transaction.atomic():
        Entry.objects.create(name="before")
        again = plain.start(Job(), idempotency_key="k")
        Entry.objects.create(name="after")

    assert not again.created
    assert Entry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_writes_of_an_atomic_step_commit_once_with_its_output():
    run = careful.start(Job(name="x"), synchronous=True)

    assert run.output == "x entered"
    assert sorted(Entry.objects.values_list("name", flat=True)) == ["x", "x-once"]


@pytest.mark.django_db(transaction=True)
def test_an_atomic_step_that_was_cancelled_meanwhile_writes_nothing(make):
    @step(atomic=True)
    def late(ctx: StepContext, job: Job) -> Job:
        Entry.objects.create(name="late")
        # As another process would: the lease is gone when the step comes to finish.
        WorkflowRun.objects.get(pk=ctx.run_id).steps.update(token=None)
        return job

    workflow = make(WorkflowBuilder("late").then(late))
    run = workflow.start(Job())

    get_engine().work(run.id)

    assert not Entry.objects.exists()
    assert run.steps()[0].status is StepStatus.RUNNING


@pytest.mark.django_db(transaction=True)
def test_an_atomic_step_that_breaks_its_transaction_fails_cleanly(make):
    @step(atomic=True, max_retries=0)
    def broken(job: Job) -> Job:
        Entry.objects.create(name="broken")
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")
        return job

    run = make(WorkflowBuilder("broken").then(broken)).start(Job(), synchronous=True)

    assert run.status is RunStatus.FAILED
    assert "no_such_table" in run.error.message
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_a_synchronous_run_works_inside_a_test_case_transaction():
    run = plain.start(Job(), synchronous=True)

    assert run.output == "left+right"


@pytest.mark.django_db(transaction=True)
def test_runs_can_be_filtered_by_their_input_output_and_tags():
    plain.start(Job(name="a"), tags={"tenant": "acme"}, synchronous=True)
    plain.start(Job(name="b"), synchronous=True)

    runs = WorkflowRun.objects
    assert runs.filter(input__name="a").count() == 1
    assert runs.filter(output="left+right").count() == 2
    assert runs.tagged({"tenant": "acme"}).get().input["name"] == "a"
    assert runs.ended().count() == 2
    assert not runs.active().exists()
