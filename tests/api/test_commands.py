import pytest
from rest_framework.test import APIClient

from gorkflow.models import WorkflowRun
from gorkflow.wiring import get_engine
from tests.admin.flows import Order


def command(client, run, name, body=None):
    return client.post(f"/api/runs/{run.id}/{name}/", body, format="json")


def test_a_run_is_cancelled_with_its_reason(api, waiting):
    response = command(api(), waiting, "cancel", {"reason": "wrong size"})

    assert response.status_code == 200
    assert response.json()["status"] == "CANCELLED"
    assert response.json()["error"]["message"] == "wrong size"


@pytest.mark.parametrize(("name", "kind"), [("cancel", "CANCEL"), ("rerun", "RERUN")])
def test_who_did_it_and_why_is_kept_with_the_run(api, orders, waiting, name, kind):
    command(api(), waiting, name, {"reason": "wrong size"})

    (event,) = get_engine().get_events(waiting.id)
    assert (event.kind, event.actor, event.reason) == (kind, "ann", "wrong size")


def test_a_reason_that_is_too_long_is_refused_and_nothing_is_done(api, waiting):
    response = command(api(), waiting, "cancel", {"reason": "x" * 501})

    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["reason"]
    assert waiting.refresh().status == "PENDING"


def test_a_body_is_not_needed(api, waiting, failed):
    client = api()

    assert client.post(f"/api/runs/{waiting.id}/cancel/").status_code == 200
    assert client.post(f"/api/runs/{failed.id}/retry/").status_code == 202


def test_a_failed_run_is_retried(api, failed):
    response = command(api(), failed, "retry")

    assert response.status_code == 202
    assert response.json()["id"] == str(failed.id)
    assert failed.refresh().status == "PENDING"


def test_a_run_is_started_again_with_the_same_input(api, completed):
    client = api()

    response = command(client, completed, "rerun")

    body = client.get(response["Location"]).json()
    assert response.status_code == 202
    assert body["rerun_of"] == str(completed.id)
    assert body["input"] == {"number": 1, "note": ""}
    assert body["resource_id"] == "order-1"


@pytest.mark.parametrize("name", ["cancel", "retry"])
def test_the_wrong_state_is_a_conflict_that_names_it(api, completed, name):
    response = command(api(), completed, name)

    assert response.status_code == 409
    assert response.json()["code"] == "INVALID_STATE"
    assert response.json()["run_status"] == "COMPLETED"
    assert response.json()["run_id"] == str(completed.id)


def test_a_retry_that_another_run_stands_in_the_way_of_is_a_conflict(api, orders):
    first = orders.start(Order(number=1), resource_id="r", concurrency_check=True)
    first.cancel()
    second = orders.start(Order(number=2), resource_id="r", concurrency_check=True)

    response = command(api(), first, "retry")

    assert response.status_code == 409
    assert response.json()["code"] == "CONCURRENCY_LIMIT"
    assert response.json()["run_id"] == str(second.id)


@pytest.mark.parametrize("name", ["cancel", "retry", "rerun"])
@pytest.mark.parametrize("run_id", ["01900000-0000-7000-8000-000000000000", "nonsense"])
def test_an_unknown_run_is_not_found(api, db, name, run_id):
    response = api().post(f"/api/runs/{run_id}/{name}/", {}, format="json")

    assert response.status_code == 404
    assert response.json()["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("cancel", "cancel_workflowrun"),
        ("retry", "retry_workflowrun"),
        ("rerun", "retry_workflowrun"),
    ],
)
def test_a_command_needs_its_own_permission(api, waiting, failed, name, needed):
    others = {"view_workflowrun", "start_workflowrun", "cancel_workflowrun", "retry_workflowrun"}
    client = api(*(others - {needed}))

    for run in (waiting, failed):
        assert command(client, run, name).status_code == 403
    assert waiting.refresh().status == "PENDING"
    assert failed.refresh().status == "FAILED"
    assert WorkflowRun.objects.count() == 2


@pytest.mark.parametrize("name", ["cancel", "retry", "rerun"])
def test_a_get_of_a_command_changes_nothing(api, waiting, name):
    response = api().get(f"/api/runs/{waiting.id}/{name}/")

    assert response.status_code == 405
    assert response.json()["code"] == "METHOD_NOT_ALLOWED"
    assert waiting.refresh().status == "PENDING"


def test_a_misspelt_key_is_refused(api, waiting):
    response = command(api(), waiting, "cancel", {"raeson": "x"})

    assert response.status_code == 422
    assert response.json()["errors"][0]["loc"] == ["raeson"]
    assert waiting.refresh().status == "PENDING"


def test_session_users_need_a_csrf_token(user, waiting):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user("view_workflowrun", "cancel_workflowrun"))

    response = command(client, waiting, "cancel")

    assert response.status_code == 403
    assert "CSRF" in response.json()["detail"]
    assert waiting.refresh().status == "PENDING"


@pytest.mark.parametrize("name", ["cancel", "retry", "rerun"])
def test_without_a_login_nothing_is_done(waiting, name):
    assert command(APIClient(), waiting, name).status_code in {401, 403}
    assert waiting.refresh().status == "PENDING"
