"""Lists and figures: what they can be asked for, and what they cost."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from gorkflow.models import WorkflowRun
from gorkflow.wiring import get_engine
from tests.admin.flows import Order

RUNS = "/api/runs/"
HOUR = timedelta(hours=1)


def ids(response):
    assert response.status_code == 200, response.json()
    return [run["id"] for run in response.json()["results"]]


def queries(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    return [each["sql"] for each in captured.captured_queries if "gorkflow_" in each["sql"].lower()]


def test_runs_are_found_by_when_they_began_and_ended(api, completed, failed, waiting):
    client, past = api(), (timezone.now() - HOUR).isoformat()

    assert set(ids(client.get(RUNS, {"started_after": past}))) == {
        str(completed.id),
        str(failed.id),
    }
    assert ids(client.get(RUNS, {"ended_before": past})) == []
    assert ids(client.get(RUNS, {"id": [str(waiting.id), str(failed.id)]})) == [
        str(waiting.id),
        str(failed.id),
    ]


def test_runs_are_found_by_whether_they_were_tried_again(api, orders, completed):
    flaky = orders.start(Order(number=7, note="flaky"), synchronous=True)

    assert ids(api().get(RUNS, {"has_retries": "true"})) == [str(flaky.id)]
    assert ids(api(name="bob").get(RUNS, {"has_retries": "false"})) == [str(completed.id)]


@pytest.mark.parametrize(
    ("ordering", "found"), [("created_at", "cf"), ("-created_at", "fc"), ("-ended_at", "fc")]
)
def test_runs_come_in_the_order_that_is_asked_for(api, completed, failed, ordering, found):
    names = {str(completed.id): "c", str(failed.id): "f"}
    client = api()

    first = client.get(RUNS, {"ordering": ordering, "page_size": 1})
    second = client.get(first.json()["next"])

    assert [names[each] for each in ids(first) + ids(second)] == list(found)


@pytest.mark.parametrize(
    "query",
    [
        {"has_retries": "yes"},
        {"ordering": "priority"},
        {"ordering": "-id"},
        {"id": "x"},
        {"id": ["01900000-0000-7000-8000-000000000000"] * 201},
        {"ended_after": "yesterday"},
        {"fields": "id,secret"},
        {"fields": ""},
        {"started": "2026-01-01"},
        {"cursor": "2026-01-01T00:00:00~01900000-0000-7000-8000-000000000000"},
        {"cursor": "x~y"},
    ],
)
def test_what_cannot_be_meant_is_refused_and_named(api, waiting, query):
    response = api().get(RUNS, query)

    assert response.status_code == 422, response.content
    assert response.json()["code"] == "VALIDATION_ERROR"
    if "cursor" not in query:
        assert response.json()["errors"][0]["loc"] == list(query)


def test_only_the_fields_that_are_asked_for_are_shown(api, completed):
    client = api("view_workflowrun")

    (listed,) = client.get(RUNS, {"fields": "id,status"}).json()["results"]
    shown = client.get(f"{RUNS}{completed.id}/", {"fields": "status,progress"}).json()

    assert listed == {"id": str(completed.id), "status": "COMPLETED"}
    assert shown == {"status": "COMPLETED", "progress": 1.0}


def test_payloads_are_listed_where_they_are_asked_for(api, completed, failed):
    rows = api().get(RUNS, {"fields": "id,input,output"}).json()["results"]

    assert rows == [
        {"id": str(failed.id), "input": {"number": 2, "note": "declined"}, "output": None},
        {
            "id": str(completed.id),
            "input": {"number": 1, "note": ""},
            "output": {"sent": "receipt-1"},
        },
    ]


@pytest.mark.parametrize("path", ["", "{id}/"])
def test_payloads_that_are_asked_for_need_their_permission(api, completed, path):
    response = api("view_workflowrun").get(
        RUNS + path.format(id=completed.id), {"fields": "id,output"}
    )

    assert response.status_code == 403
    assert response.json()["code"] == "PERMISSION_DENIED"


def test_a_page_with_payloads_is_short(api, orders):
    for number in range(1, 23):
        orders.start(Order(number=number))

    body = api().get(RUNS, {"fields": "id,input", "page_size": 100}).json()

    assert len(body["results"]) == 20
    assert body["next"] is not None


def test_a_list_costs_the_same_whatever_its_length(api, orders):
    client = api()
    costs = []
    for _ in range(2):
        for number in range(1, 8):
            orders.start(Order(number=number), synchronous=True)
        plain = queries(lambda: client.get(RUNS))
        full = queries(lambda: client.get(RUNS, {"fields": "id,input,output"}))
        costs.append((len(plain), len(full)))
        assert not [sql for sql in plain if '"input"' in sql or "`input`" in sql]

    assert costs[0] == costs[1] == (2, 3)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("", 5),
        ("?fields=status,progress", 2),
        ("steps/", 5),
        ("steps/charge/", 6),
        ("output/", 3),
        ("state/", 3),
        ("graph/", 4),
        ("events/", 5),
    ],
)
def test_a_run_and_its_parts_cost_few_queries(api, completed, path, most):
    client = api()
    client.get(f"{RUNS}{completed.id}/{path}")

    assert len(queries(lambda: client.get(f"{RUNS}{completed.id}/{path}"))) <= most


def test_the_figures_are_of_the_last_day_unless_told_otherwise(api, completed, failed, waiting):
    WorkflowRun.objects.filter(pk=failed.id).update(created_at=timezone.now() - 48 * HOUR)
    client = api("view_workflowrun")

    day = client.get("/api/stats/").json()
    week = client.get(
        "/api/stats/", {"created_after": (timezone.now() - 168 * HOUR).isoformat()}
    ).json()

    assert day["counts"] == {
        "PENDING": 1,
        "RUNNING": 0,
        "COMPLETED": 1,
        "FAILED": 0,
        "CANCELLED": 0,
    }
    assert week["counts"]["FAILED"] == 1
    assert week["workflows"]["orders"]["durations"]["count"] == 1
    assert day["durations"]["p95"] == day["durations"]["longest"] >= 0


def test_figures_take_the_filters_of_the_list(api, completed, waiting):
    client = api("view_workflowrun")

    assert sum(client.get("/api/stats/", {"tag": "tenant:acme"}).json()["counts"].values()) == 1
    assert client.get("/api/stats/", {"workflow": "none"}).json()["workflows"] == {}
    assert client.get("/api/stats/", {"limit": "3"}).status_code == 422
    assert api("start_workflowrun", name="bob").get("/api/stats/").status_code == 403


def test_a_page_stays_stable_while_runs_are_added(api, orders):
    made = [str(orders.start(Order(number=number)).id) for number in range(1, 6)]
    client = api()
    first = client.get(RUNS, {"page_size": 2})

    orders.start(Order(number=9))
    second = client.get(first.json()["next"])

    assert ids(first) + ids(second) == made[:0:-1]
    assert len(get_engine().list_runs().runs) == 6
