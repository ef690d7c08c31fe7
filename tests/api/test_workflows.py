import pytest

from gorkflow import WorkflowBuilder, register, registry
from tests.admin.flows import check, order_workflow

ODD_IDS = [
    ("a/b", "a/b"),
    ("what? 100%", "what%3F%20100%25"),
    ("Größe 🎁", "Gr%C3%B6%C3%9Fe%20%F0%9F%8E%81"),
    ("a/runs/b", "a%2Fruns%2Fb"),
    ('"><script>', "%22%3E%3Cscript%3E"),
    ("#;=&+", "%23%3B%3D%26%2B"),
]


def test_the_registered_workflows_are_listed(api, orders):
    body = api("view_workflowrun").get("/api/workflows/").json()

    (found,) = [each for each in body if each["id"] == "orders"]
    assert found == {
        "id": "orders",
        "name": "Orders",
        "version": "1",
        "versions": ["1"],
        "description": "Sells things.",
        "total_steps": 3,
    }


def test_a_workflow_is_shown_with_graph_types_and_configuration(api, orders):
    body = api("view_workflowrun").get("/api/workflows/orders/").json()

    assert [node["id"] for node in body["graph"]["nodes"]] == ["check", "charge", "ship"]
    assert body["graph"]["edges"] == [
        {"source": "check", "target": "charge"},
        {"source": "charge", "target": "ship"},
    ]
    assert body["graph"]["nodes"][1]["config"] == {
        "max_retries": 1,
        "retry_delay": 0.0,
        "backoff": "LINEAR",
        "max_delay": 300.0,
        "jitter": 0.0,
        "timeout": 30.0,
        "continue_on_error": False,
        "queue": None,
    }
    assert body["input_schema"]["required"] == ["number"]
    assert body["output_schema"]["type"] == "object"


def test_an_older_version_is_shown_when_it_is_asked_for(api, orders):
    register(order_workflow(version="2"))
    client = api("view_workflowrun")

    current = client.get("/api/workflows/orders/").json()
    older = client.get("/api/workflows/orders/", {"version": "1"}).json()
    missing = client.get("/api/workflows/orders/", {"version": "3"})

    assert (current["version"], current["versions"]) == ("2", ["1", "2"])
    assert older["version"] == "1"
    assert missing.status_code == 404


@pytest.mark.parametrize(("workflow_id", "encoded"), ODD_IDS)
def test_ids_with_odd_characters_can_be_addressed(api, db, workflow_id, encoded):
    register(WorkflowBuilder(workflow_id).then(check).build())
    try:
        client = api()
        shown = client.get(f"/api/workflows/{encoded}/")
        started = client.post(
            f"/api/workflows/{encoded}/runs/", {"input": {"number": 1}}, format="json"
        )
    finally:
        registry.unregister(workflow_id)

    assert shown.json()["id"] == workflow_id
    assert started.status_code == 202
    assert started.json()["workflow"] == workflow_id


def test_an_unknown_workflow_is_a_problem(api, orders):
    response = api("view_workflowrun").get("/api/workflows/order/")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:gorkflow:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "no workflow has the id 'order'; did you mean 'orders'?",
        "instance": "/api/workflows/order/",
        "code": "NOT_FOUND",
    }


@pytest.mark.parametrize("path", ["/api/workflows/", "/api/workflows/orders/"])
def test_workflows_are_shown_to_users_with_the_view_permission_only(api, orders, path):
    assert api("start_workflowrun").get(path).status_code == 403
