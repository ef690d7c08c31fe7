"""What test_unfold.py runs in a process of its own."""

from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.checks import run_checks

from gorkflow.models import RegisteredWorkflow, WorkflowRun
from tests.admin.unfold.urls import skin
from tests.shop.models import Entry

SITES = ("admin", "skin")


@pytest.fixture
def ann(client, db):
    client.force_login(User.objects.create_superuser("ann"))
    return client


@pytest.fixture(params=SITES)
def site(request):
    return f"/{request.param}/gorkflow"


def text_of(client, path):
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def test_unfold_is_in_force(ann):
    assert "unfold/css/styles.css" in text_of(ann, "/admin/")


def test_every_page_is_there_with_what_is_ours_on_it(ann, site, completed, failed, waiting):
    runs, workflows = f"{site}/workflowrun/", f"{site}/registeredworkflow/"
    for path, ours in {
        f"{site}/": "gorkflow-dashboard",
        runs: "gorkflow-progress",
        f"{runs}?status=FAILED&q=order-2": "gorkflow-progress",
        f"{runs}?q=nothing": "Clear the search and all filters",
        f"{runs}{completed.id}/change/": "gorkflow-graph-section",
        f"{runs}{failed.id}/change/": "gorkflow-error",
        f"{runs}{failed.id}/steps/1/": "gorkflow-step-attempts",
        f"{runs}{failed.id}/history/": "",
        f"{runs}{waiting.id}/cancel/": ">Cancel this run?</h1>",
        f"{runs}{failed.id}/retry/": "What runs again:",
        f"{runs}{completed.id}/rerun/": "input/number",
        workflows: "Sells things.",
        f"{workflows}orders/change/": "gorkflow-strip",
        f"{workflows}orders/start/": "input/number",
    }.items():
        page = text_of(ann, path)
        assert ours in page, path
        assert "gorkflow/admin.css" in page or not ours, path
        assert "gorkflow/admin.js" in page or not ours, path


def test_a_run_is_steered_and_its_acts_are_reached_from_its_page(ann, site, waiting, failed):
    runs = f"{site}/workflowrun/"
    assert f"{runs}{waiting.id}/cancel/" in text_of(ann, f"{runs}{waiting.id}/change/")
    assert f"{runs}{failed.id}/retry/" in text_of(ann, f"{runs}{failed.id}/change/")

    assert ann.post(f"{runs}{waiting.id}/cancel/", {"reason": "why not"}).status_code == 302

    assert waiting.refresh().error.message == "why not"


def test_runs_are_cancelled_together(ann, site, waiting):
    runs = f"{site}/workflowrun/"
    chosen = {"action": "cancel_runs", "_selected_action": str(waiting.id), "index": "0"}

    assert "Cancel 1 run?" in ann.post(runs, chosen).content.decode()
    assert ann.post(runs, {**chosen, "confirmed": "1", "reason": ""}).status_code == 302

    assert waiting.refresh().status == "CANCELLED"


def test_a_run_is_started(ann, site, orders):
    sent = {"token": str(uuid4()), "input/number": "7", "input/note": "", "priority": "5"}

    assert ann.post(f"{site}/registeredworkflow/orders/start/", sent).status_code == 302

    assert WorkflowRun.objects.get().input["number"] == 7


def test_an_object_shows_its_runs(ann, orders):
    entry = Entry.objects.create(name="x")
    orders.start({"number": 1}, resource_id=f"entry-{entry.pk}")

    assert "gorkflow-related" in text_of(ann, f"/skin/shop/entry/{entry.pk}/change/")


def test_the_system_check_finds_nothing(db):
    for each in (admin.site, skin):
        assert {WorkflowRun, RegisteredWorkflow} <= each._registry.keys()
    assert [str(each) for each in run_checks(tags=["admin"])] == []
