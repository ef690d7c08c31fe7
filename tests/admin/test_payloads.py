"""Inputs, outputs and state: who sees them, what is masked, and how they are downloaded."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field, PlainSerializer, SecretStr

from gorkflow import StepContext, WorkflowBuilder, register, registry, step
from tests.admin.flows import Order

RUNS = "/admin/gorkflow/workflowrun/"
SEES_ALL = ("view_workflowrun", "view_payload", "retry_workflowrun")

Secret = Annotated[SecretStr, PlainSerializer(lambda each: each.get_secret_value())]


class Login(BaseModel):
    user: str
    password: Secret
    pins: list[Annotated[str, Field(json_schema_extra={"writeOnly": True})]] = ["4711"]


class Session(BaseModel):
    user: str
    token: Secret


@step
def sign_in(ctx: StepContext, login: Login) -> Session:
    ctx.state["user"] = login.user
    return Session(user=login.user, token="tok-9999")


@step
def remember(session: Session) -> Session:
    return session


@pytest.fixture
def signed_in(db):
    workflow = register(WorkflowBuilder("sign-in").then(sign_in).then(remember).build())
    yield workflow.start(Login(user="ann", password="hunter2"), synchronous=True)
    registry.unregister("sign-in")


PLACES = (
    "change/",
    "steps/0/",
    "steps/1/",
    "rerun/",
    "rerun/?mode=json",
    "input.json",
    "output.json",
    "steps/0/input.json",
    "steps/0/output.json",
    "steps/1/input.json",
)


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_on_no_page_and_in_no_download(browser, signed_in, place):
    response = browser(*SEES_ALL).get(f"{RUNS}{signed_in.id}/{place}")

    assert response.status_code == 200
    text = response.content.decode()
    assert "ann" in text
    for secret in ("hunter2", "4711", "tok-9999"):
        assert secret not in text


def test_a_rerun_keeps_the_secrets_that_were_masked(browser, signed_in):
    client = browser(*SEES_ALL)
    page = client.get(f"{RUNS}{signed_in.id}/rerun/?mode=json").content.decode()
    token = page.partition('name="token" value="')[2].partition('"')[0]
    edited = '{"user": "bob", "password": "**********", "pins": ["**********"]}'

    client.post(f"{RUNS}{signed_in.id}/rerun/?mode=json", {"token": token, "input": edited})

    from gorkflow.models import WorkflowRun

    new = WorkflowRun.objects.get(rerun_of=signed_in.id)
    assert new.input == {"user": "bob", "password": "hunter2", "pins": ["4711"]}


def test_what_nobody_can_read_any_more_is_masked_as_a_whole(browser, signed_in):
    registry.unregister("sign-in")

    page = browser(*SEES_ALL).get(f"{RUNS}{signed_in.id}/change/").content.decode()

    assert "hunter2" not in page
    assert "**********" in page


@pytest.mark.parametrize("place", ["input.json", "output.json", "state.json", "steps/0/input.json"])
def test_a_download_needs_both_permissions(browser, completed, place):
    url = f"{RUNS}{completed.id}/{place}"

    assert browser("view_workflowrun").get(url).status_code == 403


def test_a_download_needs_the_view_permission(browser, completed):
    assert browser("view_payload").get(f"{RUNS}{completed.id}/input.json").status_code == 403


def test_a_payload_is_downloaded_as_a_file_that_no_browser_shows(browser, completed):
    response = browser(*SEES_ALL).get(f"{RUNS}{completed.id}/input.json")

    assert response.json() == {"number": 1, "note": ""}
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"] == f'attachment; filename="{completed.id}-input.json"'
    assert response["X-Content-Type-Options"] == "nosniff"


def test_what_there_is_not_is_not_found(browser, waiting):
    client = browser(*SEES_ALL)

    for place in ("output.json", "nonsense.json", "steps/1/input.json", "steps/9/input.json"):
        assert client.get(f"{RUNS}{waiting.id}/{place}").status_code == 404


def test_a_steps_page_shows_what_it_took_and_put_out(browser, completed):
    client = browser(*SEES_ALL)

    first = client.get(f"{RUNS}{completed.id}/steps/0/").content.decode()
    last = client.get(f"{RUNS}{completed.id}/steps/2/").content.decode()

    assert "&quot;number&quot;: 1" in first
    assert "&quot;receipt-1&quot;" in last
    assert "&quot;sent&quot;" in last


def test_a_step_whose_parents_are_not_over_has_no_input_yet(browser, waiting):
    page = browser(*SEES_ALL).get(f"{RUNS}{waiting.id}/steps/1/").content.decode()

    assert 'id="gorkflow-input"' not in page


def test_without_the_permission_a_step_shows_no_payload(browser, completed):
    page = browser("view_workflowrun").get(f"{RUNS}{completed.id}/steps/2/").content.decode()

    assert "receipt-1" not in page


@step
def left(order: Order) -> int:
    return order.number


@step
def right(order: Order) -> str:
    return order.note


@step
def both(parts: tuple[int, str]) -> str:
    return f"{parts[0]} {parts[1]}"


def test_a_join_shows_what_all_its_parents_put_out(browser, db):
    workflow = register(WorkflowBuilder("join").parallel(left, right).then(both).build())
    try:
        run = workflow.start(Order(number=6, note="x"), synchronous=True)
        found = browser(*SEES_ALL).get(f"{RUNS}{run.id}/steps/2/input.json").json()
    finally:
        registry.unregister("join")

    assert found == [6, "x"]
