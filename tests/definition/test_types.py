from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, Optional, TypeVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import TypeAliasType, TypedDict

from gorkflow.definition.types import compatible, same_type, type_name, type_names


class Order(BaseModel):
    sku: str
    amount: int = 1


class GiftOrder(Order):
    card: str


class Receipt(BaseModel):
    total: int


class Aliased(BaseModel):
    sku_code: str = Field(alias="sku")


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sku: str


class Opened(BaseModel):
    model_config = ConfigDict(extra="allow")


class Flexible(BaseModel):
    sku: str

    @model_validator(mode="before")
    @classmethod
    def from_anything(cls, value: Any) -> Any:
        return {"sku": str(value)}


class Orders(RootModel[list[Order]]):
    pass


class Node(BaseModel):
    children: list[Node] = []


class Leaf(BaseModel):
    children: list[Leaf] = []


class OrderDict(TypedDict):
    sku: str
    amount: NotRequired[int]


class WrongDict(TypedDict):
    sku: int


@dataclasses.dataclass
class OrderData:
    sku: str
    amount: int = 1


@dataclasses.dataclass
class OtherData:
    sku: str


@pydantic_dataclass
class PydanticData:
    sku: str
    note: str = Field(default="", alias="remark")


class Pair(NamedTuple):
    one: int
    two: str


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


T = TypeVar("T")
Bound = TypeVar("Bound", bound=Order)
OrderId = NewType("OrderId", str)
Alias = TypeAliasType("Alias", list[int])

FITS = [
    (Order, Order),
    (GiftOrder, Order),
    (Order, Any),
    (Any, Order),
    (Order, object),
    (Order, T),
    (GiftOrder, Bound),
    (Order, Annotated[Order, Field(description="x")]),
    (int, float),
    (bool, int),
    (int, int | str),
    (int | str, str),
    (Optional[Order], Order),
    (Order, Order | None),
    (Order | None, Order | None),
    (None, Order | None),
    (Order | None, None),
    (typing.NoReturn, Order),
    (Literal["a"], str),
    (str, Literal["a"]),
    (Literal["a", "b"], Literal["b"]),
    (Colour, str),
    (str, Colour),
    (Level, int),
    (Level, float),
    (datetime, str),
    (str, date),
    (int, datetime),
    (UUID, str),
    (Decimal, float),
    (int, Decimal),
    (str, Path),
    (OrderId, str),
    (Alias, list[int]),
    (list[int], list[float]),
    (list[GiftOrder], Sequence[Order]),
    (list, list[Order]),
    (set[int], tuple[int, ...]),
    (tuple[int, str], tuple[float, str]),
    (tuple[int, int], list[int]),
    (list[int], tuple[int, int]),
    (Pair, tuple[int, str]),
    (Iterable[int], frozenset[int]),
    (Orders, list[Order]),
    (list[Order], Orders),
    (dict[str, int], Mapping[str, float]),
    (dict, Order),
    (dict[str, Any], Order),
    (dict[str, str | int], Order),
    (Order, dict[str, Any]),
    (Order, dict[str, str | int]),
    (Order, OrderDict),
    (OrderDict, Order),
    (OrderData, Order),
    (Order, OrderData),
    (OrderDict, OrderData),
    (OrderDict, Aliased),
    (Aliased, OrderDict),
    (Opened, OrderDict),
    (OrderDict, PydanticData),
    (int, Flexible),
    (Receipt, Flexible),
    (dict[str, int], Annotated[Order, BeforeValidator(dict)]),
    (list[Node], list[Node]),
]

NEVER_FITS = [
    (Receipt, Order),
    (Order, Receipt),
    (Order, GiftOrder),
    (str, int),
    (int, str),
    (float, int),
    (str, float),
    (bool, str),
    (int, bool),
    (Order, int),
    (int, Order),
    (Order, list[Order]),
    (list[Order], Order),
    (list[Receipt], list[Order]),
    (str, list[str]),
    (list[int], dict[str, int]),
    (None, Order),
    (Order, None),
    (Order | Receipt, None),
    (Receipt | None, Order | None),
    (int | str, Order),
    (Literal["a"], int),
    (Literal["a"], Literal["b"]),
    (int, Literal["a"]),
    (Colour, int),
    (UUID, int),
    (tuple[int, str], tuple[int, int]),
    (tuple[int, str], tuple[int, str, str]),
    (tuple[Order, Receipt], tuple[Receipt, Order]),
    (tuple[int, str], list[int]),
    (dict[str, Order], dict[str, Receipt]),
    (dict[str, int], Order),
    (Order, dict[str, int]),
    (WrongDict, Order),
    (OtherData, OrderData),
    (OrderDict, Closed),
    (OrderData, Receipt),
    (dict[str, int], PydanticData),
    (Node, Leaf),
]


@pytest.mark.parametrize(("produced", "wanted"), FITS, ids=type_name)
def test_these_might_fit(produced, wanted):
    assert compatible(produced, wanted)


@pytest.mark.parametrize(("produced", "wanted"), NEVER_FITS, ids=type_name)
def test_these_can_never_fit(produced, wanted):
    assert not compatible(produced, wanted)


leaves = st.sampled_from([int, str, float, bool, None, Order, Receipt, OrderDict, OrderData, Any])
annotations = st.recursive(
    leaves,
    lambda inner: (
        inner.map(lambda each: list[each])
        | inner.map(lambda each: dict[str, each])
        | inner.map(lambda each: Annotated[each, "note"])
        | inner.map(lambda each: Optional[each])
        | st.tuples(inner, inner).map(lambda pair: tuple[pair])
    ),
    max_leaves=6,
)


@given(annotations)
def test_every_type_fits_itself_and_anything(annotation):
    assert compatible(annotation, annotation)
    assert compatible(annotation, Any)
    assert compatible(Any, annotation)
    assert compatible(annotation, Optional[annotation])
    assert same_type(annotation, Annotated[annotation, "note"])


@given(annotations, annotations)
def test_every_pair_has_an_answer_and_different_names(one, other):
    assert compatible(one, other) in (True, False)
    assert all(type_names(one, other))


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (Order, "Order"),
        (None, "None"),
        (Any, "Any"),
        (Order | None, "Order | None"),
        (Optional[int], "int | None"),
        (tuple[Order, ...], "tuple[Order, ...]"),
        (tuple[()], "tuple[()]"),
        (dict[str, list[Order]], "dict[str, list[Order]]"),
        (typing.List[int], "list[int]"),  # noqa: UP006
        (Annotated[int, "x"], "int"),
        (Literal["a", 1], "Literal['a', 1]"),
        (typing.Callable[[int], str], "Callable[[int], str]"),
    ],
)
def test_types_are_named_as_an_author_writes_them(annotation, name):
    assert type_name(annotation) == name


def test_two_types_with_one_name_are_told_apart_by_their_modules():
    other = type("Order", (), {"__module__": "shop.models"})

    one, two = type_names(Order, other)

    assert one.endswith("test_types.Order")
    assert two == "shop.models.Order"
