"""What a person sees who opens the API in a browser."""

import datetime as dt
import json
from html import unescape
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, TypeAdapter

from gorkflow.api.examples import example_of
from tests.admin.flows import Order

HTML = {"Accept": "text/html"}


def form_of(page):
    text = page.content.decode()
    assert "<textarea" in text, text
    return json.loads(unescape(text.partition("<textarea")[2].partition(">")[2].partition("<")[0]))


def test_a_workflows_runs_are_listed(api, orders, completed):
    client = api("view_workflowrun")

    runs = client.get("/api/workflows/orders/runs/", {"status": "COMPLETED"}).json()["results"]
    others = client.get("/api/workflows/orders/runs/", {"workflow": "other"}).json()["results"]

    assert [run["id"] for run in runs] == [str(completed.id)]
    assert others == []
    assert client.get("/api/workflows/nothing/runs/").status_code == 404


def test_seeing_and_starting_runs_need_permissions_of_their_own(api, orders):
    viewer, starter = api("view_workflowrun"), api("start_workflowrun", name="bob")
    url, body = "/api/workflows/orders/runs/", {"input": {"number": 1}}

    assert (viewer.get(url).status_code, starter.get(url).status_code) == (200, 403)
    assert viewer.post(url, body, format="json").status_code == 403
    assert starter.post(url, body, format="json").status_code == 202


def test_the_page_of_a_workflows_runs_has_a_form_with_an_example_that_starts_one(api, orders):
    client = api()

    page = client.get("/api/workflows/orders/runs/", headers=HTML)
    body = form_of(page)

    assert page.status_code == 200
    assert body["input"] == {"number": 1}
    started = client.post("/api/workflows/orders/runs/", body, format="json", headers=HTML)
    assert started.status_code == 202


def test_those_who_may_not_start_runs_see_no_form(api, orders):
    page = api("view_workflowrun").get("/api/workflows/orders/runs/", headers=HTML)

    assert "<textarea" not in page.content.decode()


@pytest.mark.parametrize("path", ["runs/{id}/cancel/", "runs/{id}/retry/", "runs/cancel/"])
def test_the_pages_of_acts_have_a_form(api, waiting, path):
    page = api().get(f"/api/{path.format(id=waiting.id)}", headers=HTML)

    assert page.status_code == 405
    assert form_of(page)


PAGES = ["", "runs/", "runs/{id}/", "workflows/", "workflows/orders/", "stats/"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_can_be_read(api, waiting, path):
    page = api().get(f"/api/{path.format(id=waiting.id)}", headers=HTML)

    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")


class Line(BaseModel):
    sku: str = Field(examples=["kettle"])
    count: Annotated[int, Field(ge=1)]


class Basket(BaseModel):
    id: UUID
    day: dt.date
    kind: Literal["gift", "own"]
    lines: list[Line]
    pair: tuple[int, str]
    note: str = "none"
    by: Line | None


class Tree(BaseModel):
    children: list["Tree"]


KINDS = [Order, Line, Basket, list[Line], dict[str, Line], int | None, str]


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_example_is_of_its_type(kind):
    adapter = TypeAdapter(kind)

    adapter.validate_json(json.dumps(example_of(adapter.json_schema())))


def test_the_authors_own_example_comes_first():
    schema = TypeAdapter(Basket).json_schema()

    assert example_of(schema)["lines"] == [{"sku": "kettle", "count": 1}]
    assert "note" not in example_of(schema)


def test_an_example_of_a_type_within_itself_ends():
    assert example_of(TypeAdapter(Tree).json_schema()) is not None
