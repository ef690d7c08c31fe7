from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, PlainSerializer, SecretStr, TypeAdapter

from gorkflow.definition.redaction import MASK, redacted

Token = Annotated[SecretStr, PlainSerializer(lambda each: each.get_secret_value())]
Hidden = Annotated[str, Field(json_schema_extra={"writeOnly": True})]


class Card(BaseModel):
    number: Hidden
    month: int


class Cash(BaseModel):
    kind: Literal["cash"] = "cash"
    number: str


@dataclass
class Box:
    card: Card | None
    children: list["Box"]
    tokens: dict[str, Token]


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (Token, "abc", MASK),
        (Hidden, "", MASK),
        (Token | None, None, None),
        (str, "abc", "abc"),
        (Card, {"number": "4", "month": 1}, {"number": MASK, "month": 1}),
        (list[Card], [{"number": "4", "month": 1}], [{"number": MASK, "month": 1}]),
        (tuple[int, Token, str], [1, "t", "u"], [1, MASK, "u"]),
        (dict[str, Token | int], {"a": "t"}, {"a": MASK}),
        (
            Box,
            {
                "card": {"number": "4", "month": 1},
                "children": [{"card": None, "children": [], "tokens": {"x": "y"}}],
                "tokens": {},
            },
            {
                "card": {"number": MASK, "month": 1},
                "children": [{"card": None, "children": [], "tokens": {"x": MASK}}],
                "tokens": {},
            },
        ),
        (Card | Cash, {"number": "4", "kind": "cash"}, {"number": MASK, "kind": "cash"}),
        (Card, "not what the type says", "not what the type says"),
        (Card, ["nor", "this"], ["nor", "this"]),
    ],
)
def test_what_the_schema_calls_secret_is_masked(kind, value, shown):
    assert redacted(value, TypeAdapter(kind).json_schema()) == shown


def test_the_value_itself_is_left_alone():
    value = {"number": "4", "month": 1}

    redacted(value, TypeAdapter(Card).json_schema())

    assert value["number"] == "4"


def test_a_schema_that_refers_to_itself_ends():
    loop = {"$defs": {"a": {"$ref": "#/$defs/a"}, "s": {"writeOnly": True}}, "$ref": "#/$defs/a"}

    assert redacted({"x": "y"}, loop) == {"x": "y"}


class Left(BaseModel):
    child: "Left | Right | None" = None
    token: Hidden = ""


class Right(BaseModel):
    child: "Left | Right | None" = None
    token: str = ""


def test_many_types_at_every_level_take_no_longer():
    value, shown = {"token": "t"}, {"token": MASK}
    for _ in range(80):
        value, shown = {"child": value, "token": "t"}, {"child": shown, "token": MASK}

    assert redacted(value, TypeAdapter(Left | Right).json_schema()) == shown
