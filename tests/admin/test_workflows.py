"""The pages of workflows, and starting runs from them."""

import json
import re
from datetime import timedelta

import pytest
from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.utils import timezone

from gorkflow import WorkflowBuilder, register, registry, step
from gorkflow.models import WorkflowRun
from gorkflow.wiring import get_engine
from tests.admin.flows import Order, order_workflow

WORKFLOWS = "/admin/gorkflow/registeredworkflow/"
RUNS = "/admin/gorkflow/workflowrun/"
START = f"{WORKFLOWS}orders/start/"
MAY_START = ("view_workflowrun", "start_workflowrun")


def filled(page, **fields):
    """What a browser sends of the page's form, with some fields typed in."""
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]
    data = {"token": token, "priority": "5", "input/number": "7", "input/note": ""}
    return {**data, **fields}


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize("path", ["", "orders/change/", "orders/start/"])
def test_every_page_needs_its_permission(browser, orders, path):
    assert browser("cancel_workflowrun").get(WORKFLOWS + path).status_code == 403


def test_the_start_page_needs_the_start_permission(browser, orders):
    client = browser("view_workflowrun")

    assert client.get(START).status_code == 403
    assert client.post(START, {"input/number": "1"}).status_code == 403
    assert START not in client.get(WORKFLOWS).content.decode()
    assert START not in client.get(f"{WORKFLOWS}orders/change/").content.decode()
    assert not WorkflowRun.objects.exists()


def test_the_list_shows_what_is_registered_with_its_runs(browser, completed, failed):
    page = browser(*MAY_START).get(WORKFLOWS).content.decode()

    assert "Sells things." in page
    assert f'href="{WORKFLOWS}orders/change/"' in page
    assert "</svg>Completed</span> 1" in page
    assert START in page


def test_the_list_is_reached_from_the_index_of_the_admin(browser, orders):
    assert f'href="{WORKFLOWS}"' in browser("view_workflowrun").get("/admin/").content.decode()


def test_a_workflows_page_shows_its_graph_steps_schema_and_figures(browser, completed):
    page = browser("view_workflowrun").get(f"{WORKFLOWS}orders/change/").content.decode()

    assert 'class="gorkflow-graph' in page
    assert "Charge" in page
    assert "&quot;exclusiveMinimum&quot;: 0" in page
    assert "Median" in page
    assert f'href="{RUNS}{completed.id}/change/"' in page


def test_an_id_with_any_characters_has_pages(browser, db):
    @step
    def nothing() -> None:
        return None

    odd = register(WorkflowBuilder('a/"><b>', name="<i>odd</i>").then(nothing).build())
    try:
        client = browser(*MAY_START)
        link = re.search(
            rf'href="({WORKFLOWS}a[^"]+change/)"', client.get(WORKFLOWS).content.decode()
        )
        page = client.get(link[1])
        start = client.get(link[1].replace("/change/", "/start/"))
    finally:
        registry.unregister(odd.id)

    assert page.status_code == start.status_code == 200
    assert "<i>odd" not in page.content.decode()
    assert '"><b>' not in start.content.decode()


def test_an_unknown_workflow_leads_back_to_the_list(browser, db):
    client = browser(*MAY_START)

    for path in ("gone/change/", "gone/start/"):
        response = client.get(WORKFLOWS + path)
        assert response.url == WORKFLOWS
        assert said(response)[-1] == "There is no code for a workflow gone here."


def test_a_get_starts_nothing(browser, orders):
    assert browser(*MAY_START).get(START).status_code == 200
    assert not WorkflowRun.objects.exists()


def test_a_run_is_started_with_what_was_typed_in(browser, orders):
    client = browser(*MAY_START)
    data = filled(
        client.get(START),
        **{
            "input/note": "hello",
            "resource_id": "order-7",
            "tags": "tenant=acme\n",
            "priority": "8",
        },
    )

    response = client.post(START, data)

    run = WorkflowRun.objects.get()
    assert response.url == f"{RUNS}{run.pk}/change/"
    assert json.loads(orders_input(run)) == {"number": 7, "note": "hello"}
    assert (run.resource_id, run.tags, run.priority) == ("order-7", {"tenant": "acme"}, 8)
    assert run.started_by == "ann"
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.get_change_message()) == (str(run.pk), "Started.")


def test_a_run_may_be_put_off_in_the_zone_of_the_page(browser, orders):
    client = browser(*MAY_START)
    tomorrow = (timezone.localtime() + timedelta(days=1)).replace(second=0, microsecond=0)
    page = client.get(START)

    response = client.post(
        START, filled(page, run_at=tomorrow.replace(tzinfo=None).isoformat(timespec="minutes"))
    )

    (run,) = get_engine().list_runs().runs
    shown = client.get(response.url).content.decode()
    assert f"In time zone {timezone.get_current_timezone_name()}." in page.content.decode()
    assert run.run_at == tomorrow
    assert "the run was put off and begins in" in shown
    assert "<dt>Not before</dt>" in shown


def test_a_time_too_far_ahead_is_said_at_its_field(browser, orders):
    client = browser(*MAY_START)

    page = client.post(START, filled(client.get(START), run_at="9999-01-01T00:00"))

    assert "must be within 3660 days from now" in page.content.decode()
    assert not WorkflowRun.objects.exists()


def orders_input(run):
    from gorkflow.wiring import get_engine

    return get_engine().store.load(run.pk, run_input=True).input


def test_the_same_form_sent_twice_starts_one_run(browser, orders):
    client = browser(*MAY_START)
    data = filled(client.get(START))

    first, second = client.post(START, data), client.post(START, data)

    assert first.url == second.url
    assert WorkflowRun.objects.count() == 1
    assert said(second)[-1] == "This form was sent before; this is the run that it started."
    assert LogEntry.objects.count() == 1


def test_the_same_form_with_another_input_asks_once_more(browser, orders):
    client = browser(*MAY_START)
    data = filled(client.get(START))
    client.post(START, data)

    again = client.post(START, {**data, "input/number": "8"})

    assert again.status_code == 200
    assert "was sent before with another input" in again.content.decode()
    assert WorkflowRun.objects.count() == 1
    client.post(START, filled(again, **{"input/number": "8"}))
    assert WorkflowRun.objects.count() == 2


def test_what_pydantic_refuses_is_said_at_its_field(browser, orders):
    client = browser(*MAY_START)

    response = client.post(START, filled(client.get(START), **{"input/number": "0"}))

    page = response.content.decode()
    assert "Input should be greater than 0" in page
    assert page.index("errorlist") < page.index('name="input/number"')
    assert not WorkflowRun.objects.exists()


def test_everything_that_is_wrong_is_said_at_once(browser, orders):
    client = browser(*MAY_START)

    page = client.post(START, {"priority": "99", "tags": "bad", "concurrency_check": "on"})

    text = page.content.decode()
    assert "less than or equal to 9" in text
    assert "name=value" in text
    assert "It is what would be checked." in text
    assert "This field is required." in text


def test_a_resource_that_is_held_is_said_on_the_page(browser, orders):
    orders.start(Order(number=1), resource_id="r", concurrency_check=True)
    client = browser(*MAY_START)

    page = client.post(
        START, filled(client.get(START), resource_id="r", concurrency_check="on")
    ).content.decode()

    assert "errorlist nonfield" in page
    assert WorkflowRun.objects.count() == 1


def test_the_input_may_be_given_as_json(browser, orders):
    client = browser(*MAY_START)
    page = client.get(f"{START}?mode=json")

    data = {**filled(page), "input": '{"number": 3}'}
    client.post(f"{START}?mode=json", data)

    assert json.loads(orders_input(WorkflowRun.objects.get()))["number"] == 3


def test_json_that_is_none_and_json_that_does_not_fit_are_said(browser, orders):
    client = browser(*MAY_START)
    page = client.get(f"{START}?mode=json")

    bad = client.post(f"{START}?mode=json", {**filled(page), "input": "{"}).content.decode()
    wrong = client.post(f"{START}?mode=json", {**filled(page), "input": "[]"}).content.decode()

    assert "Enter a valid JSON" in bad
    assert "errorlist" in wrong
    assert not WorkflowRun.objects.exists()


class OwnOrderForm(forms.Form):
    number = forms.IntegerField(label="The number")
    loud = forms.BooleanField(required=False)
    priority = forms.CharField(required=False, widget=forms.HiddenInput, initial="mine")

    class Media:
        css = {"all": ["shop/own.css"]}
        js = ["shop/own.js"]

    def get_input(self):
        found = self.cleaned_data
        return {"number": found["number"], "note": "LOUD" if found["loud"] else ""}


def test_a_workflow_may_have_a_form_of_its_own(browser, orders, settings):
    settings.GORKFLOW = {
        **settings.GORKFLOW,
        "START_FORMS": {"orders": "tests.admin.test_workflows.OwnOrderForm"},
    }
    client = browser(*MAY_START)
    page = client.get(START)

    for each in ("The number", 'name="input-priority" value="mine"', "own.css", "own.js"):
        assert each in page.content.decode()
    wrong = client.post(START, {**filled(page), "input-number": "0"})
    client.post(START, {**filled(page), "input-number": "4", "input-loud": "on"})

    assert "greater than 0" in wrong.content.decode()
    assert json.loads(orders_input(WorkflowRun.objects.get())) == {"number": 4, "note": "LOUD"}


# Rerun

MAY_RERUN = ("view_workflowrun", "retry_workflowrun", "view_payload")


def rerun_url(run):
    return f"{RUNS}{run.id}/rerun/"


@pytest.mark.parametrize(
    "held", [("view_workflowrun", "cancel_workflowrun"), ("retry_workflowrun",)]
)
def test_rerunning_needs_its_permission(browser, completed, held):
    client = browser(*held)

    assert client.get(rerun_url(completed)).status_code == 403
    assert client.post(rerun_url(completed)).status_code == 403
    assert WorkflowRun.objects.count() == 1


def test_a_rerun_begins_with_the_runs_input_and_takes_another(browser, completed):
    client = browser(*MAY_RERUN)
    page = client.get(rerun_url(completed))
    assert 'name="input/number" value="1"' in page.content.decode()

    response = client.post(
        rerun_url(completed), filled(page, **{"input/number": "2", "reason": "to compare"})
    )

    new = WorkflowRun.objects.exclude(pk=completed.id).get()
    assert response.url == f"{RUNS}{new.pk}/change/"
    assert new.rerun_of_id == completed.id
    assert json.loads(orders_input(new))["number"] == 2
    assert LogEntry.objects.get().get_change_message() == f"Rerun as {new.pk}: to compare"


def test_the_same_rerun_sent_twice_makes_one_run(browser, completed):
    client = browser(*MAY_RERUN)
    data = filled(client.get(rerun_url(completed)))

    first, second = (client.post(rerun_url(completed), data) for _ in range(2))

    assert first.url == second.url
    assert WorkflowRun.objects.count() == 2


def test_one_who_may_not_see_payloads_reruns_without_seeing_the_input(browser, orders):
    run = orders.start(Order(number=41, note="hush"))
    client = browser("view_workflowrun", "retry_workflowrun")
    page = client.get(rerun_url(run))

    assert "hush" not in page.content.decode()
    client.post(rerun_url(run), filled(page, **{"input/number": "1"}))

    new = WorkflowRun.objects.exclude(pk=run.id).get()
    assert json.loads(orders_input(new)) == {"number": 41, "note": "hush"}


def test_another_version_is_named_before_a_rerun(browser, completed):
    register(order_workflow(version="2"))

    page = browser(*MAY_RERUN).get(rerun_url(completed)).content.decode()

    assert "That run was of version 1. The new one is of version 2." in page


def test_a_run_of_a_workflow_that_is_gone_cannot_be_done_again(browser, completed):
    registry.unregister("orders")

    response = browser(*MAY_RERUN).get(rerun_url(completed))

    assert response.url == f"{RUNS}{completed.id}/change/"


def test_selected_runs_are_done_again_once_however_often_the_form_is_sent(
    browser, completed, failed
):
    client = browser(*MAY_RERUN)
    data = {"action": "rerun_runs", "_selected_action": [str(completed.id), str(failed.id)]}
    page = client.post(RUNS, data)
    token = re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]

    for _ in range(2):
        client.post(RUNS, {**data, "confirmed": "1", "token": token, "reason": "again"})

    assert WorkflowRun.objects.count() == 4
    assert WorkflowRun.objects.filter(rerun_of=completed.id).count() == 1
