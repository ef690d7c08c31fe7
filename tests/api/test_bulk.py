"""Acts on many runs at once."""

import pytest

from gorkflow.api.views import bulk
from gorkflow.wiring import get_engine
from tests.admin.flows import Order


def send(client, act, body):
    return client.post(f"/api/runs/{act}/", body, format="json")


@pytest.fixture
def many(orders, db):
    numbers = range(1, 8)
    return [orders.start(Order(number=each), tags={"n": str(each % 2)}) for each in numbers]


def statuses(runs):
    return [str(run.refresh().status) for run in runs]


def test_every_active_run_that_fits_is_cancelled_with_who_and_why(api, many, completed):
    body = send(api(), "cancel", {"filter": {"tags": {"n": "1"}}, "reason": "recall"}).json()

    odd = [run for run in many if run.record.tags["n"] == "1"]
    assert body["done"] == [str(run.id) for run in reversed(odd)]
    assert (body["matched"], body["refused"], body["cursor"]) == (4, [], None)
    assert set(statuses(odd)) == {"CANCELLED"}
    assert statuses(many).count("PENDING") == 3
    (event,) = get_engine().get_events(odd[0].id)
    assert (event.actor, event.reason) == ("ann", "recall")


def test_a_dry_run_names_the_runs_and_leaves_them_alone(api, many):
    client, wanted = api(), {"filter": {"workflow": "orders"}, "limit": 3}

    dry = send(client, "cancel", {**wanted, "dry_run": True}).json()

    assert set(statuses(many)) == {"PENDING"}
    assert send(client, "cancel", wanted).json()["done"] == dry["done"]
    assert len(dry["done"]) == 3


def test_a_cursor_goes_on_where_the_answer_before_has_stopped(api, many, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)
    client, wanted = api(), {"filter": {"workflow": "orders"}, "limit": 3}

    first = send(client, "cancel", wanted).json()
    second = send(client, "cancel", {**wanted, "limit": 100, "cursor": first["cursor"]}).json()

    assert (len(first["done"]), len(second["done"]), second["cursor"]) == (3, 4, None)
    assert set(statuses(many)) == {"CANCELLED"}


def test_an_answer_comes_in_time_and_says_where_to_go_on(api, many, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 2)
    monkeypatch.setattr(bulk, "SECONDS", -1)

    body = send(api(), "cancel", {"filter": {"workflow": "orders"}}).json()

    assert (body["done"], body["cursor"]) == ([], None)


def test_failed_runs_are_continued_and_those_that_cannot_be_are_named(api, orders, failed):
    held = orders.start(Order(number=1), resource_id="r", concurrency_check=True)
    held.cancel()
    orders.start(Order(number=2), resource_id="r", concurrency_check=True)

    body = send(api(), "retry", {"filter": {"workflow": "orders"}}).json()

    assert body["done"] == [str(failed.id)]
    assert [(each["id"], each["code"]) for each in body["refused"]] == [
        (str(held.id), "CONCURRENCY_LIMIT")
    ]
    assert failed.refresh().status == "PENDING"


def test_runs_in_another_state_are_not_looked_at(api, completed, waiting):
    client = api()
    ids = {"ids": [str(completed.id), str(waiting.id)]}

    retry = send(client, "retry", {"filter": ids}).json()
    cancel = send(client, "cancel", {"filter": {**ids, "status": ["COMPLETED"]}}).json()

    assert (retry["matched"], cancel["matched"]) == (0, 0)
    assert waiting.refresh().status == "PENDING"


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["filter"]),
        ({"filter": {}}, ["filter"]),
        ({"filter": None}, ["filter"]),
        ({"filter": []}, ["filter"]),
        ({"filter": {"tags": {}}}, ["filter", "tags"]),
        ({"filter": {"status": []}}, ["filter", "status"]),
        ({"filter": {"status": ["DONE"]}}, ["filter", "status", "0"]),
        ({"filter": {"ids": ["x"]}}, ["filter", "ids", "0"]),
        ({"filter": {"wrokflow": "orders"}}, ["filter", "wrokflow"]),
        ({"filter": {"workflow": "orders"}, "limit": 0}, ["limit"]),
        ({"filter": {"workflow": "orders"}, "limit": 1001}, ["limit"]),
        ({"filter": {"workflow": "orders"}, "dryrun": True}, ["dryrun"]),
        ({"filter": {"workflow": "orders"}, "reason": "x" * 501}, ["reason"]),
    ],
)
def test_a_body_that_could_mean_every_run_or_nothing_is_refused(api, many, body, loc):
    response = send(api(), "cancel", body)

    assert response.status_code == 422, response.json()
    assert list(map(str, response.json()["errors"][0]["loc"])) == loc
    assert set(statuses(many)) == {"PENDING"}


def test_a_cursor_that_is_none_is_refused(api, many):
    response = send(api(), "cancel", {"filter": {"workflow": "orders"}, "cursor": "x"})

    assert response.status_code == 422


@pytest.mark.parametrize(
    ("act", "codenames"),
    [
        ("cancel", ["view_workflowrun", "retry_workflowrun"]),
        ("cancel", ["cancel_workflowrun"]),
        ("retry", ["view_workflowrun", "cancel_workflowrun"]),
        ("retry", ["retry_workflowrun"]),
    ],
)
def test_the_permissions_of_the_act_and_of_seeing_runs_are_needed(api, many, act, codenames):
    assert send(api(*codenames), act, {"filter": {"workflow": "orders"}}).status_code == 403
    assert set(statuses(many)) == {"PENDING"}


def test_asking_too_often_is_a_problem_that_says_when_again(api, db, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    client = api()

    answers = [send(client, "cancel", {"filter": {"workflow": "none"}}) for _ in range(61)]

    assert {each.status_code for each in answers[:60]} == {200}
    assert answers[60].status_code == 429
    assert answers[60].json()["code"] == "THROTTLED"
    assert int(answers[60]["Retry-After"]) > 0
