"""Tenants: what the host's policy hides is not there, whoever asks for it and however."""

import pytest
from rest_framework.test import APIClient

from gorkflow import RunFilter, WorkflowBuilder, register, registry
from gorkflow.api.policy import RunPolicy
from gorkflow.models import WorkflowRun
from tests.admin.flows import Order, check

UNKNOWN = "01900000-0000-7000-8000-000000000000"


class TenantPolicy(RunPolicy):
    def runs(self, request):
        return RunFilter(tags={"tenant": request.user.username})

    def may_use(self, request, workflow_id):
        return workflow_id != "secret-plan"


@pytest.fixture(autouse=True)
def _policy(settings):
    settings.GORKFLOW = {
        **settings.GORKFLOW,
        "API_POLICY": f"{__name__}.TenantPolicy",
    }


@pytest.fixture
def secret_plan():
    yield register(WorkflowBuilder("secret-plan").then(check).build())
    registry.unregister("secret-plan")


@pytest.fixture
def mine(orders, db):
    return orders.start(Order(number=1), tags={"tenant": "ann"}, synchronous=True)


@pytest.fixture
def theirs(orders, db):
    return orders.start(Order(number=2), tags={"tenant": "bob"}, synchronous=True)


@pytest.fixture
def ann(api):
    return api(name="ann")


PARTS = ["", "steps/", "steps/check/", "output/", "state/", "graph/", "events/"]


@pytest.mark.parametrize("part", PARTS)
def test_another_tenants_run_is_not_found_and_one_of_ones_own_is(ann, mine, theirs, part):
    hidden, own = ann.get(f"/api/runs/{theirs.id}/{part}"), ann.get(f"/api/runs/{mine.id}/{part}")
    unknown = ann.get(f"/api/runs/{UNKNOWN}/{part}")

    assert own.status_code == 200
    assert hidden.status_code == unknown.status_code == 404
    for response, run_id in ((hidden, str(theirs.id)), (unknown, UNKNOWN)):
        body = response.json()
        assert body["detail"] == f"there is no run {run_id}"
        assert set(body) == {"type", "title", "status", "detail", "instance", "code", "run_id"}


@pytest.mark.parametrize("act", ["cancel", "retry", "rerun"])
def test_nothing_is_done_to_another_tenants_run(ann, orders, act):
    theirs = orders.start(Order(number=2), tags={"tenant": "bob"})

    assert ann.post(f"/api/runs/{theirs.id}/{act}/").status_code == 404
    assert theirs.refresh().status == "PENDING"
    assert WorkflowRun.objects.count() == 1


def test_lists_and_figures_are_of_ones_own_runs(ann, mine, theirs):
    runs = ann.get("/api/runs/").json()["results"]
    others = ann.get("/api/runs/", {"tag": "tenant:bob"}).json()["results"]
    stats = ann.get("/api/stats/").json()

    assert [run["id"] for run in runs] == [str(mine.id)]
    assert others == []
    assert ann.get("/api/runs/", {"id": str(theirs.id)}).json()["results"] == []
    assert sum(stats["counts"].values()) == 1


def test_bulk_acts_reach_ones_own_runs_alone(ann, orders, db):
    mine = orders.start(Order(number=1), tags={"tenant": "ann"})
    theirs = orders.start(Order(number=2), tags={"tenant": "bob"})

    body = {"filter": {"ids": [str(mine.id), str(theirs.id)]}}
    done = ann.post("/api/runs/cancel/", body, format="json").json()

    assert (done["done"], done["refused"]) == ([str(mine.id)], [])
    assert theirs.refresh().status == "PENDING"


def start(client, body, workflow="orders", **headers):
    return client.post(f"/api/workflows/{workflow}/runs/", body, format="json", headers=headers)


def test_a_run_that_is_started_is_ones_own(ann, orders):
    response = start(ann, {"input": {"number": 1}, "tags": {"x": "y"}})

    assert response.json()["tags"] == {"x": "y", "tenant": "ann"}
    assert ann.get(response["Location"]).status_code == 200


def test_a_run_cannot_be_started_as_another_tenants(ann, orders):
    response = start(ann, {"input": {"number": 1}, "tags": {"tenant": "bob"}})

    assert response.status_code == 403
    assert not WorkflowRun.objects.exists()


def test_a_key_that_another_tenant_has_used_tells_nothing_of_the_run(ann, api, orders):
    bobs = start(api(name="bob"), {"input": {"number": 1}}, **{"Idempotency-Key": "k"}).json()

    for number in (1, 2):
        response = start(ann, {"input": {"number": number}}, **{"Idempotency-Key": "k"})
        assert response.status_code == 422
        assert response.json()["code"] == "IDEMPOTENCY_CONFLICT"
        assert bobs["id"] not in response.content.decode()


def test_a_resource_that_another_tenant_holds_tells_nothing_of_the_run(ann, api, orders):
    body = {"input": {"number": 1}, "resource_id": "r", "concurrency_check": True}
    bobs = start(api(name="bob"), body).json()

    response = start(ann, body)

    assert (response.status_code, response.json()["code"]) == (409, "CONCURRENCY_LIMIT")
    assert bobs["id"] not in response.content.decode()


def test_a_hidden_workflow_is_neither_listed_nor_shown_nor_started_nor_hinted_at(
    ann, orders, secret_plan
):
    listed = [each["id"] for each in ann.get("/api/workflows/").json()]

    assert "secret-plan" not in listed
    for response in (
        ann.get("/api/workflows/secret-plan/"),
        start(ann, {"input": {"number": 1}}, "secret-plan"),
        ann.get("/api/workflows/secret-plam/"),
    ):
        assert response.status_code == 404
        assert "did you mean" not in response.json()["detail"]


def test_a_run_of_a_hidden_workflow_is_not_started_again(ann, secret_plan):
    run = secret_plan.start(Order(number=1), tags={"tenant": "ann"}, synchronous=True)

    assert ann.post(f"/api/runs/{run.id}/rerun/").status_code == 404
    assert WorkflowRun.objects.count() == 1


def test_a_policy_that_is_none_is_a_mistake_of_the_settings(settings, ann, db):
    from gorkflow.errors import ConfigurationError

    settings.GORKFLOW = {**settings.GORKFLOW, "API_POLICY": "builtins.dict"}

    with pytest.raises(ConfigurationError, match="API_POLICY"):
        ann.get("/api/runs/")


def test_a_stranger_learns_nothing(theirs):
    response = APIClient().get(f"/api/runs/{theirs.id}/")

    assert response.status_code in {401, 403}
    assert response.json()["code"] == "NOT_AUTHENTICATED"
