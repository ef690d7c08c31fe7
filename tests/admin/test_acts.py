import re
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages

from gorkflow.admin import bulk
from gorkflow.models import WorkflowRun
from gorkflow.wiring import get_engine
from tests.admin.flows import Order

LIST = "/admin/gorkflow/workflowrun/"
ALL = ("view_workflowrun", "cancel_workflowrun", "retry_workflowrun")


def send(client, action, *runs, query="", **more):
    data = {"action": action, "_selected_action": [str(run.id) for run in runs], **more}
    return client.post(f"{LIST}{query}", data)


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_an_action_asks_first_and_says_how_many_it_is_about(browser, completed, waiting):
    response = send(browser(*ALL), "cancel_runs", completed, waiting)

    page = response.content.decode()
    assert "Cancel 1 run?" in page
    assert '<input type="hidden" name="action" value="cancel_runs">' in page
    assert '<input type="hidden" name="confirmed" value="1">' in page
    assert "1 of the selected runs are in another state" in page
    assert waiting.refresh().status == "PENDING"


def test_cancelling_selected_runs_goes_through_the_engine_and_is_logged(
    browser, waiting, completed, orders
):
    other = orders.start(Order(number=9))

    response = send(
        browser(*ALL), "cancel_runs", waiting, other, completed, confirmed="1", reason="<b>why</b>"
    )

    assert said(response) == ["2 runs were cancelled."]
    assert waiting.refresh().status == "CANCELLED"
    assert waiting.error.message == "<b>why</b>"
    assert other.refresh().status == "CANCELLED"
    events = [(each.actor, each.reason) for each in get_engine().get_events(other.id)]
    assert events == [("ann", "<b>why</b>")]
    assert completed.refresh().status == "COMPLETED"
    entries = LogEntry.objects.all()
    assert {entry.object_id for entry in entries} == {str(waiting.id), str(other.id)}
    assert {entry.change_message for entry in entries} == {"Cancelled: <b>why</b>"}
    assert {entry.user.username for entry in entries} == {"ann"}


def test_retrying_selected_runs_continues_them(browser, failed):
    response = send(browser(*ALL), "retry_runs", failed, confirmed="1")

    assert said(response) == ["1 run goes on."]
    assert failed.refresh().status == "PENDING"


def test_every_run_that_refuses_is_counted_with_its_reason(browser, orders):
    held = orders.start(Order(number=1), resource_id="r", concurrency_check=True)
    held.cancel()
    orders.start(Order(number=2), resource_id="r", concurrency_check=True)

    response = send(browser(*ALL), "retry_runs", held, confirmed="1")

    (message,) = said(response)
    assert message.startswith("1 run was left alone: another run holds its resource id. <a href=")
    assert f">{held.id}</a>" in message
    assert not LogEntry.objects.exists()


def test_runs_in_another_state_are_not_acted_on(browser, completed):
    response = send(browser(*ALL), "cancel_runs", completed)

    (message,) = said(response)
    assert "None of the selected runs can be acted on" in message


@pytest.mark.parametrize(
    ("action", "missing"),
    [("cancel_runs", "cancel_workflowrun"), ("retry_runs", "retry_workflowrun")],
)
def test_an_action_is_neither_offered_nor_done_without_its_permission(
    browser, waiting, failed, action, missing
):
    client = browser(*(name for name in ALL if name != missing))

    assert action not in client.get(LIST).content.decode()
    send(client, action, waiting, failed, confirmed="1")

    assert waiting.refresh().status == "PENDING"
    assert failed.refresh().status == "FAILED"


def test_select_across_acts_on_every_run_of_the_filter_in_chunks(browser, orders, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)
    runs = [orders.start(Order(number=number)) for number in range(1, 6)]
    spared = orders.start(Order(number=6), resource_id="spared")
    spared.cancel()

    response = send(
        browser(*ALL),
        "cancel_runs",
        runs[0],
        query="?status=PENDING",
        select_across="1",
        confirmed="1",
    )

    assert said(response) == ["5 runs were cancelled."]
    assert not WorkflowRun.objects.active().exists()
    assert LogEntry.objects.count() == 5


def test_a_bulk_act_that_takes_too_long_stops_and_says_so(browser, orders, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 1)
    monkeypatch.setattr(bulk, "BULK_SECONDS", -1.0)
    runs = [orders.start(Order(number=number)) for number in (1, 2)]

    response = send(browser(*ALL), "cancel_runs", *runs, confirmed="1", reason="why not")

    assert said(response) == [
        "1 run was cancelled.",
        "There was no time for all of them. Send the form again for the rest.",
    ]
    assert "Cancel 1 run?" in response.content.decode()
    assert "why not</textarea>" in response.content.decode()


def test_what_there_was_no_time_for_is_done_when_the_form_is_sent_again(
    browser, orders, monkeypatch
):
    monkeypatch.setattr(bulk, "CHUNK", 1)
    monkeypatch.setattr(bulk, "BULK_SECONDS", -1.0)
    runs = [orders.start(Order(number=number)) for number in range(1, 4)]
    client = browser(*ALL)

    page = send(client, "rerun_runs", *runs, confirmed="1", select_across="1", token=str(uuid4()))
    rounds = 1
    while page.status_code == 200:
        fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.content.decode())
        page = client.post(LIST, dict(fields))
        rounds += 1

    assert rounds == 3
    again = WorkflowRun.objects.exclude(rerun_of=None).values_list("rerun_of", flat=True)
    assert sorted(again) == sorted(run.id for run in runs)


def test_running_all_runs_again_does_not_run_again_what_that_starts(browser, orders):
    runs = [orders.start(Order(number=number)) for number in range(1, 4)]

    send(browser(*ALL), "rerun_runs", *runs, confirmed="1", select_across="1")

    assert WorkflowRun.objects.count() == 6


@pytest.mark.parametrize("act", ["cancel", "retry"])
def test_a_get_of_a_confirm_page_asks_and_changes_nothing(browser, waiting, failed, act):
    run, status = (waiting, "PENDING") if act == "cancel" else (failed, "FAILED")

    response = browser(*ALL).get(f"{LIST}{run.id}/{act}/")

    assert response.status_code == 200
    assert "Charge" in response.content.decode()
    assert run.refresh().status == status
    assert not LogEntry.objects.exists()


def test_confirming_cancels_one_run_with_its_reason(browser, waiting):
    response = browser(*ALL).post(f"{LIST}{waiting.id}/cancel/", {"reason": "wrong size"})

    assert response.status_code == 302
    assert response.url == f"{LIST}{waiting.id}/change/"
    assert waiting.refresh().status == "CANCELLED"
    assert waiting.error.message == "wrong size"
    assert LogEntry.objects.get().get_change_message() == "Cancelled: wrong size"


def test_confirming_retries_one_run(browser, failed):
    browser(*ALL).post(f"{LIST}{failed.id}/retry/")

    assert failed.refresh().status == "PENDING"
    assert LogEntry.objects.get().get_change_message() == "Retried."


def test_an_act_that_the_status_forbids_is_refused_with_the_status(browser, completed):
    client = browser(*ALL)

    asked = client.get(f"{LIST}{completed.id}/cancel/")
    assert said(asked) == ["Nothing to do: the run is Completed."]

    client.post(f"{LIST}{completed.id}/cancel/")
    assert completed.refresh().status == "COMPLETED"
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("act", ["cancel", "retry"])
@pytest.mark.parametrize(
    "held", [("view_workflowrun",), ("cancel_workflowrun", "retry_workflowrun")]
)
def test_a_confirm_page_needs_the_view_permission_and_its_own(browser, waiting, method, act, held):
    client = browser(*held)

    assert getattr(client, method)(f"{LIST}{waiting.id}/{act}/").status_code == 403
    assert waiting.refresh().status == "PENDING"


def test_too_long_a_reason_is_asked_for_again(browser, waiting):
    response = browser(*ALL).post(f"{LIST}{waiting.id}/cancel/", {"reason": "x" * 501})

    assert response.status_code == 200
    assert "at most 500" in response.content.decode()
    assert waiting.refresh().status == "PENDING"


def test_an_act_on_an_unknown_run_leads_back_to_the_list(browser):
    response = browser(*ALL).post(f"{LIST}nonsense/cancel/")

    assert response.status_code == 302
    assert response.url == LIST


def test_the_run_page_offers_only_what_can_be_done(browser, staff, waiting, failed, client):
    everything = browser(*ALL)

    pending = everything.get(f"{LIST}{waiting.id}/change/").content.decode()
    ended = everything.get(f"{LIST}{failed.id}/change/").content.decode()
    assert f"{waiting.id}/cancel/" in pending
    assert f"{waiting.id}/retry/" not in pending
    assert f"{failed.id}/retry/" in ended
    assert f"{failed.id}/cancel/" not in ended

    client.force_login(staff("view_workflowrun", name="bob"))
    page = client.get(f"{LIST}{waiting.id}/change/").content.decode()
    assert "/cancel/" not in page


def test_reasons_in_the_admins_history_are_for_those_who_may_see_payloads(browser, staff, waiting):
    client = browser("view_workflowrun", "view_payload", "cancel_workflowrun")
    client.post(f"{LIST}{waiting.id}/cancel/", {"reason": "card 4111: stolen"})

    told = client.get(f"{LIST}{waiting.id}/history/").content.decode()
    client.force_login(staff("view_workflowrun", name="bob"))
    hidden = client.get(f"{LIST}{waiting.id}/history/").content.decode()

    assert "Cancelled: card 4111: stolen" in told
    assert "Cancelled" in hidden
    assert "4111" not in hidden


def test_the_history_shows_hostile_reasons_as_text(browser, waiting):
    client = browser(*ALL, "view_payload")
    client.post(f"{LIST}{waiting.id}/cancel/", {"reason": "<script>alert(1)</script>"})

    page = client.get(f"{LIST}{waiting.id}/history/").content.decode()

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
