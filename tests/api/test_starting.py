import datetime as dt

import pytest
from pydantic import BaseModel, ConfigDict

from gorkflow import WorkflowBuilder, register, registry, step
from gorkflow.models import WorkflowRun

START = "/api/workflows/orders/runs/"


def start(client, body, path=START, **headers):
    return client.post(path, body, format="json", headers=headers)


def test_a_start_is_accepted_and_says_where_the_run_is(api, orders):
    client = api()

    response = start(
        client,
        {
            "input": {"number": 7},
            "resource_id": "order-7",
            "tags": {"tenant": "acme", " odd ": ""},
            "priority": 9,
        },
    )

    body = response.json()
    assert response.status_code == 202
    assert response["Location"] == f"http://testserver/api/runs/{body['id']}/"
    assert client.get(response["Location"]).json()["id"] == body["id"]
    assert body["status"] == "PENDING"
    assert body["progress"] == 0.0
    assert body["resource_id"] == "order-7"
    assert body["tags"] == {"tenant": "acme", " odd ": ""}
    assert body["priority"] == 9
    assert body["started_by"] == "ann"


def test_a_start_needs_its_permission(api, orders):
    client = api("view_workflowrun", "cancel_workflowrun", "retry_workflowrun")

    response = start(client, {"input": {"number": 7}})

    assert response.status_code == 403
    assert response.json()["code"] == "PERMISSION_DENIED"
    assert not WorkflowRun.objects.exists()


def test_an_input_that_does_not_fit_is_told_field_by_field(api, orders):
    response = start(api(), {"input": {"number": 0, "note": ["x"]}})

    body = response.json()
    assert response.status_code == 422
    assert body["code"] == "VALIDATION_ERROR"
    assert [(each["loc"], each["type"]) for each in body["errors"]] == [
        (["input", "number"], "greater_than"),
        (["input", "note"], "string_type"),
    ]
    assert not WorkflowRun.objects.exists()


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({}, ["input"]),
        ({"inptu": {"number": 1}}, ["inptu"]),
        ({"input": {"number": 1}, "priority": 10}, ["priority"]),
        ({"input": {"number": 1}, "synchronous": True}, ["synchronous"]),
        ({"input": {"number": 1}, "resource_id": ""}, ["resource_id"]),
        ({"input": {"number": 1}, "resource_id": "x" * 256}, ["resource_id"]),
        ({"input": {"number": 1}, "tags": {"a": ["b"]}}, ["tags", "a"]),
        ({"input": {"number": 1}, "tags": {"n" * 201: "b"}}, ["tags", "n" * 200]),
        ({"input": {"number": 1}, "tags": {str(n): "b" for n in range(51)}}, ["tags"]),
        ([], []),
        ("text", []),
    ],
)
def test_a_body_that_does_not_fit_is_refused_with_the_place(api, orders, body, loc):
    response = start(api(), body)

    assert response.status_code == 422, response.json()
    assert response.json()["errors"][0]["loc"] == loc
    assert not WorkflowRun.objects.exists()


def test_a_concurrency_check_without_a_resource_id_is_refused(api, orders):
    response = start(api(), {"input": {"number": 1}, "concurrency_check": True})

    assert response.status_code == 422
    assert "resource_id" in response.json()["detail"]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"input": ',
        b'{"input": NaN}',
        b"\xff\xfe",
        b'{"input": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"input": {"number": 1' + b"0" * 5000 + b"}}",
    ],
)
def test_what_is_not_json_is_a_client_error(api, orders, raw):
    response = api().post(START, raw, content_type="application/json")

    assert response.status_code == 400, response.content[:200]
    assert response.json()["code"] == "PARSE_ERROR"


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"])
def test_text_that_no_database_can_store_is_refused(api, orders, text):
    raw = f'{{"input": {{"number": 1, "note": "{text}"}}}}'

    response = api().post(START, raw, content_type="application/json")

    assert response.status_code == 422
    assert not WorkflowRun.objects.exists()


def test_a_payload_that_is_nested_deeply_is_refused(api, orders):
    response = start(api(), {"input": {"number": 1}, "context": nested(900)})

    assert response.status_code == 422
    assert response.json()["code"] == "VALIDATION_ERROR"


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def test_forms_are_not_taken_for_json(api, orders):
    response = api().post(START, {"input": "x"}, format="multipart")

    assert response.status_code == 415
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "UNSUPPORTED_MEDIA_TYPE"


def test_an_unknown_workflow_is_not_found(api, orders):
    response = start(api(), {}, path="/api/workflows/nothing/runs/")

    assert response.status_code == 404
    assert response.json()["code"] == "NOT_FOUND"


def test_the_same_key_answers_with_the_first_run(api, orders):
    client = api()
    body = {"input": {"number": 7}}

    first = start(client, body, **{"Idempotency-Key": "k-1"})
    second = start(client, body, **{"Idempotency-Key": '"k-1"'})

    assert second.status_code == 202
    assert second.json()["id"] == first.json()["id"]
    assert second["Location"] == first["Location"]
    assert "Idempotency-Replayed" not in first
    assert second["Idempotency-Replayed"] == "true"
    assert WorkflowRun.objects.count() == 1


def test_the_same_key_with_another_input_is_a_conflict(api, orders):
    client = api()
    first = start(client, {"input": {"number": 7}}, **{"Idempotency-Key": "k-1"})

    second = start(client, {"input": {"number": 8}}, **{"Idempotency-Key": "k-1"})

    assert second.status_code == 422
    assert second.json()["code"] == "IDEMPOTENCY_CONFLICT"
    assert second.json()["run_id"] == first.json()["id"]


@pytest.mark.parametrize("key", ["", '""', "a b", "ü", "x" * 256])
def test_a_key_that_is_none_is_refused(api, orders, key):
    response = start(api(), {"input": {"number": 7}}, **{"Idempotency-Key": key})

    assert response.status_code == 422
    assert response.json()["code"] == "VALIDATION_ERROR"


def test_a_busy_resource_is_a_conflict_that_names_the_run_in_the_way(api, orders):
    client = api()
    body = {"input": {"number": 7}, "resource_id": "r", "concurrency_check": True}
    first = start(client, body)

    second = start(client, body)

    assert second.status_code == 409
    assert second.json()["code"] == "CONCURRENCY_LIMIT"
    assert second.json()["run_id"] == first.json()["id"]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)

    day: dt.date


@step
def keep_day(day: Strict) -> Strict:
    return day


def test_strict_types_are_read_as_json(api, db):
    register(WorkflowBuilder("strict").then(keep_day).build())
    try:
        response = start(
            api(), {"input": {"day": "2026-11-22"}}, path="/api/workflows/strict/runs/"
        )
    finally:
        registry.unregister("strict")

    assert response.status_code == 202


def test_a_run_may_begin_later_and_says_so_until_then(api, orders):
    client, run_at = api(), dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=2)
    sent = run_at.astimezone(dt.timezone(dt.timedelta(hours=-3))).isoformat()

    response = start(client, {"input": {"number": 7}, "run_at": sent})

    shown = run_at.isoformat().replace("+00:00", "Z")
    listed = client.get("/api/runs/?fields=id,run_at").json()["results"]
    detail = client.get(response["Location"]).json()
    assert response.status_code == 202
    assert response.json()["run_at"] == detail["run_at"] == shown
    assert listed == [{"id": detail["id"], "run_at": shown}]
    assert detail["steps"][0]["due_at"] == shown


@pytest.mark.parametrize("sent", [None, "2001-01-01T00:00:00Z"])
def test_a_time_that_is_past_means_at_once(api, orders, sent):
    response = start(api(), {"input": {"number": 7}, "run_at": sent})

    assert (response.status_code, response.json()["run_at"]) == (202, None)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ("2030-01-01T00:00:00", "time zone"),
        ("tomorrow", "wrong format"),
        (1893456000, "wrong format"),
        ("9999-12-31T00:00:00Z", "within 3660 days"),
        ("9999-12-31T23:59:59-10:00", ""),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused_at_its_field(api, orders, sent, why):
    response = start(api(), {"input": {"number": 7}, "run_at": sent})

    (error,) = response.json()["errors"]
    assert (response.status_code, error["loc"]) == (422, ["run_at"])
    assert why in error["msg"]
    assert not WorkflowRun.objects.exists()
