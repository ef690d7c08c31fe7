from __future__ import annotations

import dataclasses
import enum
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, Never, NoReturn, NotRequired
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretBytes,
    SecretStr,
    computed_field,
    field_serializer,
    field_validator,
)
from typing_extensions import TypedDict

from gorkflow.definition.codec import MAX_FIELD_ERRORS, Codec, dump_json
from gorkflow.errors import DefinitionError, ErrorCode, PayloadError


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    sku: str
    amount: int = Field(gt=0)


class Order(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    order_id: UUID = Field(alias="orderId")
    lines: list[Line]
    price: Decimal
    due: date | None = None
    colour: Colour = Colour.RED

    @computed_field
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


class Point(TypedDict):
    x: int
    note: NotRequired[str]


@dataclasses.dataclass
class Box:
    width: float
    tags: set[str]


class Tree(BaseModel):
    children: list[Tree] = []


ORDER = Order(order_id=UUID(int=7), lines=[Line(sku="a", amount=2)], price=Decimal("1.10"))


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Order, ORDER),
        (list[Order], [ORDER]),
        (dict[int, Box], {1: Box(width=1.5, tags={"b", "a"})}),
        (Point, {"x": 1, "note": "é\u2028🎁"}),
        (tuple[int, str, None], (1, "x", None)),
        (int | str, "1"),
        (datetime, datetime(2024, 2, 29, 12, tzinfo=UTC)),
        (timedelta, timedelta(days=1, microseconds=1)),
        (bytes, b"text"),
        (Literal["a", 1], 1),
        (int, 2**80),
        (None, None),
        (Tree, Tree(children=[Tree(), Tree(children=[Tree()])])),
        (Annotated[int, Field(ge=1)], 1),
        (Any, {"a": [1, 2.5, None, True]}),
    ],
)
def test_a_dumped_value_loads_as_an_equal_one(annotation, value):
    codec = Codec(annotation)

    assert codec.load(codec.dump(value)) == value


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner
    ),
)  # fmt: skip


@given(json_values)
def test_every_json_value_comes_back_unchanged(value):
    assert Codec(Any).load(dump_json(value, what="value")) == value
    assert json.loads(dump_json(value, what="value")) == value


@given(st.text())
def test_a_text_is_stored_exactly_or_refused(text):
    try:
        stored = Codec(str).dump(text)
    except PayloadError:
        assert "\x00" in text or any("\ud800" <= each <= "\udfff" for each in text)
    else:
        assert Codec(str).load(stored) == text


def test_a_mapping_becomes_the_model_before_it_is_stored():
    stored = Codec(Line).dump({"sku": "a", "amount": "2"})

    assert stored == '{"sku":"a","amount":2}'


def test_aliases_are_what_is_stored_and_computed_fields_are_not():
    stored = json.loads(Codec(Order).dump(ORDER))

    assert "orderId" in stored
    assert "total" not in stored


def test_a_validation_error_lists_fields_without_the_values():
    codec = Codec(list[Line], what="input of step 'charge'")

    with pytest.raises(PayloadError) as caught:
        codec.dump([{"sku": "a", "amount": 1}, {"sku": "secret-1", "amount": -99}, {"amount": 1}])

    error = caught.value
    assert error.code is ErrorCode.VALIDATION_ERROR
    assert str(error).startswith("input of step 'charge' is not valid: 1.amount: ")
    assert str(error).endswith("(and 1 more)")
    assert error.errors[0]["loc"] == [1, "amount"]
    assert error.errors[0]["type"] == "greater_than"
    assert {key for each in error.errors for key in each} == {"loc", "msg", "type"}
    assert "-99" not in repr(error.errors) + str(error)
    assert error.data["error_count"] == 2
    json.dumps(error.errors)


def test_field_errors_are_counted_but_not_all_kept():
    with pytest.raises(PayloadError) as caught:
        Codec(list[int]).load(json.dumps(["x"] * 1000))

    assert len(caught.value.errors) == MAX_FIELD_ERRORS
    assert caught.value.data["error_count"] == 1000


def test_an_error_can_itself_be_stored():
    with pytest.raises(PayloadError) as caught:
        Codec(dict[str, int]).dump({"bad\x00\ud800key": "x"})

    assert "\x00" not in str(caught.value)
    str(caught.value).encode()
    assert "\\u0000" not in json.dumps(caught.value.errors)


def test_stored_text_that_does_not_fit_any_more_is_a_payload_error():
    with pytest.raises(PayloadError, match="input of step 'a' is not valid: amount"):
        Codec(Line, what="input of step 'a'").load('{"sku": "a"}')


@pytest.mark.parametrize("annotation", [Line, Any])
def test_text_that_is_not_json_is_a_payload_error(annotation):
    with pytest.raises(PayloadError, match="JSON"):
        Codec(annotation).load("{")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    ("annotation", "wrap"),
    [
        (float, lambda number: number),
        (float | None, lambda number: number),
        (list[float | None], lambda number: [None, number]),
        (Any, lambda number: {"a": [number]}),
        (Box, lambda number: Box(width=number, tags=set())),
    ],
)
def test_numbers_that_json_cannot_hold_are_refused(annotation, wrap, number):
    with pytest.raises(PayloadError, match="NaN and infinities"):
        Codec(annotation).dump(wrap(number))


def test_the_path_of_a_lost_number_is_named():
    with pytest.raises(PayloadError, match=r"at rows\.1\.x") as caught:
        dump_json({"rows": [{"x": None}, {"x": float("nan")}]}, what="state 'a'")

    assert caught.value.errors[0]["loc"] == ["rows", 1, "x"]


def test_a_model_in_an_untyped_value_cannot_hide_a_nan():
    class Reading(BaseModel):
        value: float | None

    with pytest.raises(PayloadError, match=r"at 0\.value"):
        dump_json([Reading(value=float("nan"))], what="x")


def test_nan_may_be_stored_where_the_model_writes_it_as_text():
    class Reading(BaseModel):
        model_config = ConfigDict(ser_json_inf_nan="strings")
        value: float
        other: int | None = None

    stored = Codec(Reading).dump(Reading(value=float("inf")))

    assert Codec(Reading).load(stored).value == float("inf")


def test_none_and_the_words_nan_and_null_are_ordinary_values():
    value = {"a": None, "b": "NaN", "c": "null Infinity"}

    assert Codec(Any).load(dump_json(value, what="x")) == value


@pytest.mark.parametrize("annotation", [str, Any])
def test_nul_characters_are_refused(annotation):
    with pytest.raises(PayloadError, match="NUL"):
        Codec(annotation).dump("a\x00b")


def test_a_backslash_before_u0000_is_not_a_nul_character():
    assert Codec(str).load(Codec(str).dump(r"\u0000 \\u0000")) == r"\u0000 \\u0000"


@pytest.mark.parametrize("annotation", [str, Any])
def test_lone_surrogates_are_refused(annotation):
    with pytest.raises(PayloadError):
        Codec(annotation).dump("a\ud800")


def test_a_value_over_the_limit_is_refused_with_both_sizes():
    with pytest.raises(PayloadError, match=r"output is too large: 1,002 bytes.*limit is 1,001"):
        Codec(str).dump("x" * 1000, what="output", max_bytes=1001)

    assert Codec(str).dump("x" * 1000, max_bytes=1002)


def test_the_limit_counts_bytes_and_not_characters():
    with pytest.raises(PayloadError, match="6 bytes"):
        dump_json("éé", what="x", max_bytes=5)


@pytest.mark.parametrize("value", [object(), {"a": object()}, b"\xff", lambda: None])
def test_what_json_does_not_know_is_refused(value):
    with pytest.raises(PayloadError, match="cannot be stored as JSON"):
        dump_json(value, what="state 'a'")


def test_circular_values_are_refused():
    circle: list[Any] = []
    circle.append(circle)

    with pytest.raises(PayloadError, match="refers to itself"):
        dump_json(circle, what="x")


def test_a_model_that_was_changed_into_something_invalid_is_not_stored():
    line = Line(sku="a", amount=1)
    line.amount = -1

    with pytest.raises(PayloadError, match="cannot be read back from its own JSON: amount"):
        Codec(Line).dump(line)


def test_an_alias_that_is_written_but_not_read_is_found_when_it_is_written():
    class Lopsided(BaseModel):
        name: str = Field(validation_alias="in", serialization_alias="out")

    with pytest.raises(PayloadError, match="cannot be read back"):
        Codec(Lopsided).dump({"in": "x"})


class Login(BaseModel):
    user: str
    password: SecretStr


class Nested(BaseModel):
    logins: dict[str, list[Login | None]]


@pytest.mark.parametrize(
    ("annotation", "field"),
    [
        (Login, "field 'password'"),
        (Nested, r"field 'logins\.password'"),
        (tuple[int, Nested], r"field 'logins\.password'"),
        (SecretBytes, "the value"),
        (Annotated[SecretStr | None, Field(description="x")], "the value"),
    ],
)
def test_a_type_with_a_secret_is_refused_by_name(annotation, field):
    with pytest.raises(DefinitionError, match=f"output of step 'a': {field} is a Secret"):
        Codec(annotation, what="output of step 'a'").prepare()


def test_secrets_with_a_serializer_of_their_own_are_kept():
    class Kept(BaseModel):
        one: Annotated[SecretStr, PlainSerializer(lambda value: value.get_secret_value())]
        two: SecretStr

        @field_serializer("two")
        def write(self, value: SecretStr) -> str:
            return value.get_secret_value()

    stored = Codec(Kept).dump({"one": "a", "two": "b"})

    assert Codec(Kept).load(stored).two.get_secret_value() == "b"


@pytest.mark.parametrize(
    "value", [SecretStr("x"), {"a": [SecretStr("x")]}, {"a": SecretBytes(b"x")}]
)
def test_a_secret_in_an_untyped_value_is_refused(value):
    with pytest.raises(PayloadError, match="secret"):
        dump_json(value, what="state 'a'")


def test_a_text_of_ten_asterisks_is_only_a_text():
    assert dump_json(["**********"], what="x") == '["**********"]'


def test_a_type_that_pydantic_cannot_handle_is_a_definition_error():
    class Unknown:
        pass

    with pytest.raises(DefinitionError, match="input of step 'a' has the type Unknown"):
        Codec(Unknown, what="input of step 'a'").prepare()


def test_without_validation_values_are_plain_data_in_both_directions():
    codec = Codec(Line, validate=False)

    assert codec.load('{"anything": 1}') == {"anything": 1}
    assert codec.dump({"anything": 1}) == '{"anything":1}'
    assert codec.dump(Line(sku="a", amount=1)) == '{"sku":"a","amount":1}'


@pytest.mark.parametrize("annotation", [NoReturn, Never])
def test_a_handler_that_never_returns_needs_no_type(annotation):
    Codec(annotation).prepare()


def test_without_validation_the_type_may_be_anything():
    class Unknown:
        pass

    Codec(Unknown, validate=False).prepare()


def test_the_order_of_a_union_is_kept():
    assert Codec(Annotated[int | str, Field(union_mode="left_to_right")]).load('"1"') == 1
    assert Codec(Annotated[str | int, Field(union_mode="left_to_right")]).load('"1"') == "1"


def test_schemas_speak_of_reading_and_of_writing():
    class Row(BaseModel):
        at: Annotated[int, BeforeValidator(int)] = 0

        @field_validator("at")
        @classmethod
        def positive(cls, value: int) -> int:
            return value

    assert "required" not in Codec(Row).json_schema("validation")
    assert Codec(Row).json_schema("serialization")["properties"].keys() == {"at"}
    assert Codec(Row, validate=False).json_schema("validation") == {}
    assert Codec(Any).json_schema("validation") == {}
