"""A run's parts: steps, output, state, graph, history."""

from xml.etree import ElementTree as ET

import pytest

from gorkflow import WorkflowBuilder, register, registry
from tests.admin.flows import Order, check

RUNS = "/api/runs/"


def get(client, run, part="", **query):
    return client.get(f"{RUNS}{run.id}/{part}", query)


def test_the_root_says_where_everything_is(api, db):
    client = api("view_workflowrun")

    urls = client.get("/api/").json()

    assert set(urls) == {"workflows", "runs", "stats"}
    assert {client.get(url).status_code for url in urls.values()} == {200}


def test_a_step_is_shown_with_its_attempts_and_its_output(api, orders):
    run = orders.start(Order(number=7, note="flaky"), synchronous=True)

    body = get(api(), run, "steps/charge/").json()

    assert (body["step_id"], body["status"], body["output"]) == ("charge", "COMPLETED", "receipt-7")
    assert [each["status"] for each in body["attempts"]] == ["FAILED", "COMPLETED"]


def test_a_step_that_was_not_reached_has_no_output(api, waiting):
    body = get(api(), waiting, "steps/ship/").json()

    assert (body["status"], body["output"], body["attempts"]) == ("PENDING", None, [])


def test_a_steps_output_needs_its_permission(api, completed):
    assert "output" not in get(api("view_workflowrun"), completed, "steps/charge/").json()


@pytest.mark.parametrize("step_id", ["nothing", "charge/x", "%00", "' OR 1=1"])
def test_an_unknown_step_is_not_found(api, completed, step_id):
    response = get(api(), completed, f"steps/{step_id}/")

    assert response.status_code == 404
    assert response.json()["code"] == "NOT_FOUND"


def test_a_step_id_may_hold_anything(api, db):
    odd = check.with_(id="a/b é?")
    workflow = register(WorkflowBuilder("odd").then(odd).build())
    try:
        run = workflow.start(Order(number=1), synchronous=True)
        body = get(api(), run, "steps/a/b%20%C3%A9%3F/").json()
    finally:
        registry.unregister("odd")

    assert body["step_id"] == "a/b é?"


def test_the_output_is_the_bare_value(api, completed):
    assert get(api(), completed, "output/").json() == {"sent": "receipt-1"}


@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_an_output_that_is_not_there_is_a_conflict_that_names_the_status(
    api, waiting, failed, status
):
    run = {"PENDING": waiting, "FAILED": failed}[status]

    response = get(api(), run, "output/")

    assert response.status_code == 409
    assert (response.json()["code"], response.json()["run_status"]) == ("INVALID_STATE", status)


def test_the_state_is_shown_by_name(api, completed):
    assert get(api(), completed, "state/").json() == {"seen": 1}


@pytest.mark.parametrize("part", ["output/", "state/"])
def test_payloads_need_their_permission(api, completed, part):
    response = get(api("view_workflowrun"), completed, part)

    assert response.status_code == 403
    assert response.json()["code"] == "PERMISSION_DENIED"


def test_the_graph_is_shown_with_how_its_steps_stand(api, failed):
    body = get(api("view_workflowrun"), failed, "graph/").json()

    assert body["status"] == "FAILED"
    assert [(node["id"], node["status"]) for node in body["nodes"]] == [
        ("check", "COMPLETED"),
        ("charge", "FAILED"),
        ("ship", "CANCELLED"),
    ]
    assert body["edges"] == [
        {"source": "check", "target": "charge"},
        {"source": "charge", "target": "ship"},
    ]


@pytest.mark.parametrize("how", [{"format": "svg"}, {"accept": "image/svg+xml"}])
def test_the_graph_is_an_image_too(api, failed, how):
    client, url = api("view_workflowrun"), f"{RUNS}{failed.id}/graph/"

    response = client.get(url, how) if "format" in how else client.get(url, headers=how)

    assert response["Content-Type"] == "image/svg+xml; charset=utf-8"
    root = ET.fromstring(response.content.decode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"Charge", "failed", "Ship", "cancelled"} <= set(texts)


def test_an_image_of_a_hostile_name_is_an_image(api, db):
    odd = check.with_(id="x", name="<script>&'\"</style>")
    workflow = register(WorkflowBuilder("odd").then(odd).build())
    try:
        run = workflow.start(Order(number=1))
        text = get(api(), run, "graph/", format="svg").content.decode()
    finally:
        registry.unregister("odd")

    assert "<script>" not in text
    assert ET.fromstring(text) is not None


def test_a_problem_is_json_whatever_was_wanted(api, db):
    response = api().get(f"{RUNS}nonsense/graph/", {"format": "svg"})

    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")
    assert response["Content-Type"] == "application/problem+json"


def kinds(body):
    return [event["kind"] for event in body["results"]]


def test_the_history_goes_on_where_the_client_has_stopped(api, failed):
    client = api()
    first = get(client, failed, "events/", page_size=4).json()
    second = client.get(first["next"]).json()
    nothing_new = client.get(second["next"]).json()

    failed.retry("again", actor="bob")

    news = client.get(nothing_new["next"]).json()
    assert kinds(first) + kinds(second) == [
        "RUN_CREATED",
        "RUN_STARTED",
        "STEP_STARTED",
        "STEP_COMPLETED",
        "STEP_STARTED",
        "STEP_FAILED",
        "RUN_FAILED",
    ]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert (kinds(nothing_new), nothing_new["has_more"]) == ([], False)
    assert [(each["kind"], each["actor"], each["reason"]) for each in news["results"]] == [
        ("RUN_RETRIED", "bob", "again")
    ]
    assert news["results"][0]["data"]["status"] == "FAILED"


def test_reasons_and_errors_need_the_permission_for_payloads(api, failed):
    failed.retry("the card of Mrs Doe")

    text = get(api("view_workflowrun"), failed, "events/").content.decode()

    for secret in ("Mrs Doe", "declined", "raceback"):
        assert secret not in text
    assert '"code":"EXECUTION_FAILED"' in text


@pytest.mark.parametrize("cursor", ["x", "AAAA", "W10=", "WyJ4Il0=", "é", "W1tdLDFd", "%00"])
def test_a_cursor_that_is_none_is_refused(api, waiting, cursor):
    response = get(api(), waiting, "events/", cursor=cursor)

    assert response.status_code == 422
    assert response.json()["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    "part", ["steps/check/", "output/", "state/", "graph/", "events/", "steps/"]
)
@pytest.mark.parametrize("run_id", ["01900000-0000-7000-8000-000000000000", "nonsense", "%00"])
def test_the_parts_of_an_unknown_run_are_not_found(api, db, part, run_id):
    response = api().get(f"{RUNS}{run_id}/{part}")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "part", ["", "steps/", "steps/check/", "output/", "state/", "graph/", "events/"]
)
def test_parts_are_shown_to_users_with_the_view_permission_only(api, completed, part):
    client = api("start_workflowrun", "cancel_workflowrun", "retry_workflowrun", "view_payload")

    assert get(client, completed, part).status_code == 403
