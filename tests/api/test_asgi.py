"""The API under ASGI."""

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

pytestmark = pytest.mark.django_db(transaction=True)

START = "/api/workflows/orders/runs/"


@pytest.fixture
def client(user):
    client = AsyncClient()
    client.force_login(user("view_workflowrun", "start_workflowrun", "cancel_workflowrun"))
    return client


def test_a_run_is_started_waited_for_and_cancelled(client, orders):
    async def steer():
        body = {"input": {"number": 7}}
        started = await client.post(START, body, content_type="application/json")
        path = f"/api/runs/{started.json()['id']}/"
        waited = await client.get(f"{path}?wait=0.2&fields=status")
        cancelled = await client.post(f"{path}cancel/", {}, content_type="application/json")
        seen = await client.get(path, headers={"If-None-Match": '"nothing"'})
        again = await client.get(path, headers={"If-None-Match": seen["ETag"]})
        return started, waited, cancelled, seen, again

    started, waited, cancelled, seen, again = async_to_sync(steer)()

    assert (started.status_code, waited.json()) == (202, {"status": "PENDING"})
    assert cancelled.json()["status"] == seen.json()["status"] == "CANCELLED"
    assert (again.status_code, again.content) == (304, b"")


def test_errors_are_problems_and_large_bodies_are_not_read(client, orders, settings):
    settings.GORKFLOW = {**settings.GORKFLOW, "API_MAX_BODY_BYTES": 2000}

    async def fail():
        large = await client.post(START, "x" * 3000, content_type="application/json")
        broken = await client.post(START, "{", content_type="application/json")
        return large, broken, await client.get("/api/runs/nonsense/")

    answers = async_to_sync(fail)()

    assert [answer.status_code for answer in answers] == [413, 400, 404]
    assert {answer["Content-Type"] for answer in answers} == {"application/problem+json"}
