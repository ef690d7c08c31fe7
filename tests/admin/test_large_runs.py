"""Runs with more steps than a page can draw."""

import pytest

from gorkflow import WorkflowBuilder, register, registry, step
from gorkflow.diagrams import MAX_STEPS
from gorkflow.models import StepExecution

RUNS = "/admin/gorkflow/workflowrun/"


@step
def bead(value: int) -> int:
    return value


@step
def last(values: list[int]) -> int:
    return len(values)


@pytest.fixture
def huge(db):
    branches = [bead.with_(id=f"bead-{index}") for index in range(MAX_STEPS)]
    builder = WorkflowBuilder("huge").then(bead.with_(id="first")).parallel(*branches)
    workflow = register(builder.then(last).build())
    yield workflow.start(1)
    registry.unregister("huge")


def test_the_page_draws_what_is_around_the_step_that_matters_most(browser, huge):
    StepExecution.objects.create(
        run_id=huge.id, step_id="bead-6", position=7, status="FAILED", attempt=1, queue="celery"
    )
    client = browser("view_workflowrun")

    page = client.get(f"{RUNS}{huge.id}/change/").content.decode()

    assert page.count('class="gorkflow-node') == 4
    assert "too large to be drawn: here is what is around Bead" in page
    assert f"\N{MULTIPLICATION SIGN}{MAX_STEPS - 1}" in page
    assert 'id="gorkflow-node-7"' in page
    assert f"{RUNS}{huge.id}/live/?around=7" in page


def test_the_live_part_stays_around_the_step_that_it_is_asked_for(browser, huge):
    client = browser("view_workflowrun")

    for around in ("12", "0", "-1", "99999", "x"):
        answer = client.get(f"{RUNS}{huge.id}/live/", {"around": around})
        assert answer.status_code == 200
        assert ('id=\\"gorkflow-node-12\\"' in answer.content.decode()) == (around == "12")


def test_the_page_of_a_step_draws_what_is_around_it(browser, huge):
    client = browser("view_workflowrun")

    page = client.get(f"{RUNS}{huge.id}/steps/40/").content.decode()

    assert "Around it" in page
    assert 'id="gorkflow-node-40"' in page


def test_the_page_of_a_step_of_a_small_run_needs_no_drawing(browser, completed):
    page = browser("view_workflowrun").get(f"{RUNS}{completed.id}/steps/1/").content.decode()

    assert "Around it" not in page
