"""The types of workflows in the OpenAPI document."""

import datetime as dt
import enum
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypedDict

from gorkflow import WorkflowBuilder, register, registry, step
from gorkflow.api.openapi import split_definitions, to_openapi_30


class Color(enum.Enum):
    RED = "red"


class Cat(BaseModel):
    kind: Literal["cat"]
    friends: "list[Cat | Dog]" = []


class Dog(BaseModel):
    kind: Literal["dog"]
    owner: Cat | None = Field(None, description="Who feeds it.")
    color: Color | None = None


class Place(NamedTuple):
    x: float
    y: int


class Options(TypedDict, total=False):
    tags: dict[str, int | None]


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]

KINDS = [
    int,
    str | None,
    None,
    Any,
    Literal["a", 1] | None,
    list[Literal["a", "b"]],
    list[Pet],
    dict[str, Pet | None],
    tuple[int, str],
    tuple[()],
    tuple[Dog, ...],
    set[UUID],
    dt.datetime | dt.timedelta,
    Annotated[float, Field(gt=0, lt=10, multiple_of=0.5)],
    Annotated[str, Field(pattern="^a+$", examples=["aa", "a"])],
    dict[Annotated[str, Field(pattern="^x")], int],
    bytes,
    Place,
    Options,
    Cat,
    Dog,
    Color,
]


def openapi_of(kind, mode="validation"):
    found = split_definitions(TypeAdapter(kind).json_schema(mode=mode), "Thing")
    return {name: to_openapi_30(schema) for name, schema in found.items()}


@pytest.mark.parametrize("mode", ["validation", "serialization"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_type_makes_a_valid_document(kind, mode):
    schemas = openapi_of(kind, mode)

    validate_schema(
        {
            "openapi": "3.0.3",
            "info": {"title": "", "version": ""},
            "paths": {},
            "components": {"schemas": schemas},
        }
    )
    text = str(schemas)
    assert "$defs" not in text
    for reference in text.split("#/components/schemas/")[1:]:
        assert reference.split("'")[0] in schemas


def test_null_is_said_in_openapis_own_way():
    schema = openapi_of(Dog)["ThingDog"]["properties"]

    assert schema["color"]["nullable"] is True
    assert schema["color"]["allOf"] == [{"$ref": "#/components/schemas/ThingColor"}]
    assert openapi_of(int | None)["Thing"] == {"type": "integer", "nullable": True}


def test_limits_without_their_ends_are_said_in_openapis_own_way():
    schema = openapi_of(Annotated[float, Field(gt=0)])["Thing"]

    assert schema == {"type": "number", "minimum": 0, "exclusiveMinimum": True}


@step
def feed(pet: Dog) -> Cat:
    return Cat(kind="cat")


@pytest.fixture
def odd_names():
    ids = ["feed-a-dog", "feed a dog", "犬", "猫"]
    for each in ids:
        register(WorkflowBuilder(each).then(feed).build())
    yield ids
    for each in ids:
        registry.unregister(each)


def test_workflows_whose_ids_make_the_same_name_have_components_of_their_own(odd_names, capsys):
    schema = SchemaGenerator().get_schema(request=None, public=True)

    validate_schema(schema)
    assert "Warning" not in capsys.readouterr().err
    components = schema["components"]["schemas"]
    for name in ("FeedADog", "FeedADog2", "Workflow", "Workflow2"):
        assert components[f"{name}Input"]["$ref"].endswith(f"/{name}InputDog")
        assert components[f"{name}OutputDog"]["properties"]["owner"]["nullable"]
    inputs = components["StartRequest" if "StartRequest" in components else "Start"]
    refs = [each["$ref"] for each in inputs["properties"]["input"]["anyOf"]]
    assert "#/components/schemas/FeedADog2Input" in refs
