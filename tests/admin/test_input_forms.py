"""The form that is generated from a workflow's input type."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter
from pydantic.functional_serializers import PlainSerializer

from gorkflow.admin.forms import input_form
from gorkflow.admin.forms.inputs import MISSING, takes_json_only


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Address(BaseModel):
    street: str
    city: str = "Paris"
    is_private: bool = False


class Everything(BaseModel):
    name: str = Field(min_length=2, max_length=9, description="Who it is for.", examples=["Ada"])
    pieces: int = Field(ge=1, le=10)
    weight: float | None = None
    size: Size = Size.SMALL
    colour: Literal["red", "blue"]
    tags: list[str] = []
    sizes: list[Size] = []
    numbers: list[int] = []
    gift: bool = False
    sure: bool | None = None
    day: date | None = None
    at: datetime | None = None
    price: Decimal | None = None
    address: Address
    billing: Address | None = None
    extra: dict[str, int] = {}
    either: int | str | None = None


FILLED = {
    "input/name": "Ada",
    "input/pieces": "3",
    "input/size": '"l"',
    "input/colour": '"red"',
    "input/tags": "a b\n\nc",
    "input/sizes": ['"s"'],
    "input/numbers": "1\n2",
    "input/gift": "on",
    "input/sure": "unknown",
    "input/day": "2026-05-01",
    "input/price": "1.10",
    "input/address/street": "Main",
    "input/address/city": "Rome",
    "input/billing/city": "Paris",
    "input/extra": '{"a": 1}',
    "input/either": "7",
}


def schema_of(annotation):
    return TypeAdapter(annotation).json_schema()


def form_of(annotation, data=None, **options):
    return input_form(schema_of(annotation))(data, **options)


def read(annotation, data, **options):
    form = form_of(annotation, data, **options)
    assert form.is_valid(), form.errors
    return json.loads(form.json)


def test_every_kind_of_value_gets_its_field_and_comes_back_as_json():
    found = read(Everything, FILLED)

    assert found == {
        "name": "Ada",
        "pieces": 3,
        "weight": None,
        "size": "l",
        "colour": "red",
        "tags": ["a b", "c"],
        "sizes": ["s"],
        "numbers": [1, 2],
        "gift": True,
        "sure": None,
        "day": "2026-05-01",
        "at": None,
        "price": "1.10",
        "address": {"street": "Main", "city": "Rome", "is_private": False},
        "extra": {"a": 1},
        "either": 7,
    }
    assert Everything.model_validate(found).price == Decimal("1.10")


def test_defaults_descriptions_and_bounds_are_on_the_page():
    page = form_of(Everything).as_p()

    assert "Who it is for. For example Ada." in page
    assert 'min="1"' in page
    assert 'max="10"' in page
    assert 'minlength="2"' in page
    assert 'value="Paris"' in page
    assert 'type="date"' in page
    assert '<option value="&quot;s&quot;" selected>s</option>' in page


def test_required_fields_are_asked_for():
    form = form_of(Everything, {})

    assert not form.is_valid()
    assert {
        "input/name",
        "input/pieces",
        "input/colour",
        "input/address/street",
    } <= set(form.errors)
    assert "input/billing/street" not in form.errors


def test_pydantics_errors_come_back_to_their_fields():
    form = form_of(Everything, FILLED)
    assert form.is_valid()

    form.add_errors(
        [
            {"loc": ["address", "street"], "msg": "too short"},
            {"loc": ["numbers", 1], "msg": "not a number"},
            {"loc": ["address"], "msg": "nobody lives there"},
        ]
    )

    assert form.errors["input/address/street"] == ["too short"]
    assert form.errors["input/numbers"] == ["1: not a number"]
    assert form.non_field_errors() == ["address: nobody lives there"]


def test_an_optional_group_is_there_once_something_is_typed_into_it():
    assert "billing" not in read(Everything, FILLED)

    found = read(Everything, {**FILLED, "input/billing/street": "Side"})

    assert found["billing"] == {"street": "Side", "city": "Paris", "is_private": False}


def test_what_is_not_changed_stays_as_it_was_to_the_last_digit():
    value = {
        "name": "Ada",
        "pieces": 3,
        "weight": 0.30000000000000004,
        "colour": "red",
        "at": "2026-01-01T10:00:00.123456+02:00",
        "price": "1.100",
        "address": {"street": "Main", "unknown": 1},
        "tags": ["with\nbreak"],
    }
    shown = form_of(Everything, value=value)
    sent = {}
    for name, field in shown.fields.items():
        initial = field.prepare_value(shown.get_initial_for_field(field, name))
        if initial not in (None, False):
            sent[name] = initial

    found = read(Everything, sent, value=value)

    assert {key: found[key] for key in value if key != "address"} == {
        key: value[key] for key in value if key != "address"
    }
    assert found["address"]["street"] == "Main"
    assert shown.fields["input/at"].widget.input_type == "text"


def test_a_time_without_an_offset_is_in_the_servers_zone():
    class At(BaseModel):
        at: datetime

    found = read(At, {"input/at": "2026-01-01T10:00"})

    assert datetime.fromisoformat(found["at"]).tzinfo is not None
    assert At.model_validate(found).at.astimezone(UTC).year in {2025, 2026}


class Login(BaseModel):
    user: str
    password: Annotated[SecretStr, PlainSerializer(lambda each: each.get_secret_value())]


def test_a_secret_is_never_shown_and_kept_where_nothing_is_typed():
    value = {"user": "ann", "password": "hunter2"}
    form = form_of(Login, value=value)

    assert "hunter2" not in form.as_p()
    assert 'type="password"' in form.as_p()
    kept = read(Login, {"input/user": "bob", "input/password": ""}, value=value)
    assert kept == {"user": "bob", "password": "hunter2"}
    assert not form_of(Login, {"input/user": "bob"}).is_valid()


@pytest.mark.parametrize(
    ("annotation", "sent", "expected"),
    [
        (int, "5", 5),
        (str, "text", "text"),
        (list[str], "a\nb", ["a", "b"]),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (list[Address], '[{"street": "x"}]', [{"street": "x"}]),
        (Address | None, '{"street": "x"}', {"street": "x"}),
    ],
)
def test_an_input_that_is_no_model_is_one_field(annotation, sent, expected):
    assert read(annotation, {"input": sent}) == expected


def test_without_a_schema_and_on_demand_it_is_json():
    assert takes_json_only(input_form({}))
    assert takes_json_only(input_form(schema_of(Everything), as_json=True))
    assert not takes_json_only(input_form(schema_of(Everything)))

    form = input_form({})({"input": "{bad"})

    assert "input" in form.errors
    assert input_form({})({"input": ""}).is_valid()


def test_hostile_words_in_a_schema_are_escaped():
    class Hostile(BaseModel):
        model_config = ConfigDict(title="<script>1</script>")
        field: str = Field(
            title="<script>2</script>", description="<script>3</script>", default="<script>4"
        )

    assert "<script>" not in form_of(Hostile).as_p()


def test_keys_of_any_kind_make_names_of_their_own():
    class Odd(BaseModel):
        one: str = Field(alias="a/b")
        two: str = Field(alias="a~1b")

    assert list(form_of(Odd).fields) == ["input/a~1b", "input/a~01b"]


def test_a_recursive_type_ends_in_a_field_for_json():
    found = read(Tree, {"input/name": "a", "input/left/name": "b", "input/left/left/name": "c"})

    assert found["left"]["left"]["name"] == "c"


class Tree(BaseModel):
    name: str = ""
    left: "Tree | None" = None


def test_names_of_fields_are_written_as_people_write():
    form = form_of(Everything)

    assert form.fields["input/address/is_private"].label == "Is private"
    assert form.fields["input/pieces"].label == "Pieces"


def test_a_form_of_very_many_fields_is_a_field_for_json():
    schema = {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(101)}}

    assert takes_json_only(input_form(schema))
    assert MISSING is not None
