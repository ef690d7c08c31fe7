from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from rest_framework.test import APIClient

from tests.admin.flows import Order

RUNS = "/api/runs/"


def ids(response):
    return [run["id"] for run in response.json()["results"]]


def test_runs_are_listed_newest_first_without_payloads(api, completed, failed):
    response = api().get(RUNS)

    assert ids(response) == [str(failed.id), str(completed.id)]
    newest, oldest = response.json()["results"]
    assert oldest["status"] == "COMPLETED"
    assert oldest["progress"] == 1.0
    assert (oldest["done_steps"], oldest["total_steps"]) == (3, 3)
    assert newest["failed_steps"] == 1
    assert newest["error"]["step_id"] == "charge"
    assert not {"input", "output", "context", "steps"} & oldest.keys()
    assert "traceback" not in newest["error"]
    assert response.json()["next"] is None


def test_pages_stay_stable_while_runs_are_added(api, orders):
    client = api()
    runs = [str(orders.start(Order(number=number)).id) for number in range(1, 6)]

    first = client.get(RUNS, {"page_size": 2})
    orders.start(Order(number=9))
    second = client.get(first.json()["next"])
    third = client.get(second.json()["next"])

    assert ids(first) + ids(second) + ids(third) == runs[::-1]
    assert third.json()["next"] is None
    assert parse_qs(urlsplit(second.json()["next"]).query)["page_size"] == ["2"]


@pytest.mark.parametrize(("asked", "given"), [("0", 1), ("x", 3), ("-1", 3), ("9" * 400, 3)])
def test_an_odd_page_size_is_no_error(api, orders, asked, given):
    for number in range(1, 4):
        orders.start(Order(number=number))

    assert len(ids(api().get(RUNS, {"page_size": asked}))) == given


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "FAILED"}, {"failed"}),
        ({"status": ["FAILED", "PENDING"]}, {"failed", "waiting"}),
        ({"workflow": "orders"}, {"completed", "failed", "waiting"}),
        ({"workflow": "other"}, set()),
        ({"version": "2"}, set()),
        ({"resource_id": "order-1"}, {"completed"}),
        ({"resource_id": "order"}, set()),
        ({"tag": "tenant:acme"}, {"completed"}),
        ({"tag": ["tenant:acme", "other:x"]}, set()),
        ({"tag": "tenant:"}, set()),
        ({"started_by": "cron"}, {"waiting"}),
    ],
)
def test_runs_are_filtered(api, completed, failed, waiting, query, expected):
    runs = {"completed": completed, "failed": failed, "waiting": waiting}

    response = api().get(RUNS, query)

    assert set(ids(response)) == {str(runs[name].id) for name in expected}


def test_runs_are_filtered_by_the_time_they_were_created_at(api, completed, failed):
    client = api()
    moment = failed.record.created_at.isoformat()
    earlier = (failed.record.created_at - timedelta(hours=1)).isoformat()

    assert str(failed.id) in ids(client.get(RUNS, {"created_after": moment}))
    assert str(failed.id) not in ids(client.get(RUNS, {"created_before": moment}))
    assert ids(client.get(RUNS, {"created_before": earlier})) == []


@pytest.mark.parametrize(
    ("query", "loc"),
    [
        ({"status": "DONE"}, ["status"]),
        ({"tag": "tenant"}, ["tag"]),
        ({"tag": ":x"}, ["tag"]),
        ({"tag": ["a:1", "a:2"]}, ["tag"]),
        ({"created_after": "yesterday"}, ["created_after"]),
        ({"tags": "a:b"}, ["tags"]),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_with_its_name(api, db, query, loc):
    response = api().get(RUNS, query)

    assert response.status_code == 422
    assert response.json()["code"] == "VALIDATION_ERROR"
    (error, *_more) = response.json()["errors"]
    assert error["loc"] == loc
    assert error["type"]


@pytest.mark.parametrize("cursor", ["nonsense", "2026-01-01~x", "~", "' OR 1=1 --"])
def test_a_cursor_that_is_none_is_refused(api, db, cursor):
    response = api().get(RUNS, {"cursor": cursor})

    assert response.status_code == 422
    assert response.json()["code"] == "VALIDATION_ERROR"


def test_the_number_of_queries_does_not_depend_on_the_number_of_runs(
    api, orders, django_assert_num_queries
):
    client = api()
    orders.start(Order(number=1))
    client.get(RUNS)

    with django_assert_num_queries(2):
        client.get(RUNS)
    for number in range(2, 40):
        orders.start(Order(number=number))
    with django_assert_num_queries(2):
        client.get(RUNS)


def test_a_run_is_shown_with_steps_input_and_output(api, completed):
    body = api().get(f"{RUNS}{completed.id}/").json()

    assert body["status"] == "COMPLETED"
    assert body["input"] == {"number": 1, "note": ""}
    assert body["output"] == {"sent": "receipt-1"}
    assert [step["step_id"] for step in body["steps"]] == ["check", "charge", "ship"]
    assert body["steps"][1]["parents"] == ["check"]


def test_a_run_that_goes_on_has_no_output_yet(api, waiting):
    body = api().get(f"{RUNS}{waiting.id}/").json()

    assert body["output"] is None
    assert [step["status"] for step in body["steps"]] == ["PENDING"] * 3


def test_the_steps_are_shown_with_their_attempts(api, orders):
    run = orders.start(Order(number=7, note="flaky"), synchronous=True)

    steps = api().get(f"{RUNS}{run.id}/steps/").json()

    attempts = steps[1]["attempts"]
    assert [each["number"] for each in attempts] == [1, 2]
    assert attempts[0]["error"]["message"] == "the bank is asleep"
    assert "Traceback" in attempts[0]["error"]["traceback"]
    assert attempts[1]["error"] is None


@pytest.mark.parametrize("path", ["", "{id}/", "{id}/steps/"])
def test_without_the_permission_no_payload_and_no_error_detail_is_told(
    api, completed, failed, path
):
    client = api("view_workflowrun")

    for run in (completed, failed):
        text = client.get(RUNS + path.format(id=run.id)).content.decode()
        for secret in ("receipt-1", '"input"', '"output"', "declined", "raceback", "NonRetry"):
            assert secret not in text
    error = client.get(f"{RUNS}{failed.id}/").json()["error"]
    assert error == {"code": "EXECUTION_FAILED", "step_id": "charge", "attempt": 1}


@pytest.mark.parametrize(
    "run_id", ["01900000-0000-7000-8000-000000000000", "nonsense", "1", "' OR 1=1 --", "%00"]
)
@pytest.mark.parametrize("path", ["", "steps/"])
def test_an_unknown_run_is_not_found(api, db, run_id, path):
    response = api().get(f"{RUNS}{run_id}/{path}")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "NOT_FOUND"


@pytest.mark.parametrize("path", ["", "{id}/", "{id}/steps/"])
def test_runs_are_shown_to_users_with_the_view_permission_only(api, completed, path):
    client = api("start_workflowrun", "cancel_workflowrun", "retry_workflowrun", "view_payload")

    assert client.get(RUNS + path.format(id=completed.id)).status_code == 403


def test_without_a_login_nothing_is_told(completed):
    response = APIClient().get(RUNS)

    assert response.status_code in {401, 403}
    assert response.json()["code"] == "NOT_AUTHENTICATED"
    assert response["Content-Type"] == "application/problem+json"


def test_the_browsable_pages_escape_hostile_text(api, orders):
    orders.start(Order(number=1), resource_id="<script>alert(1)</script>")

    page = api().get(RUNS, headers={"Accept": "text/html"})

    assert page.status_code == 200
    assert "<script>alert(1)" not in page.content.decode()


def test_a_problem_is_readable_in_a_browser(api, db):
    page = api().get(f"{RUNS}nonsense/", headers={"Accept": "text/html"})

    assert page.status_code == 404
    assert page["Content-Type"].startswith("text/html")
