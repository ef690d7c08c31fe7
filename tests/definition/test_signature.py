from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from gorkflow.definition.context import StepContext
from gorkflow.definition.signature import Signature, read_signature
from gorkflow.errors import DefinitionError

if TYPE_CHECKING:
    from somewhere import Nowhere


def read(handler: Any) -> Signature:
    return read_signature(handler, "step 'a'")


def both(ctx: StepContext, order: int) -> str: ...
def only_input(order: int) -> str: ...
def only_ctx(ctx: StepContext) -> str: ...
def nothing() -> str: ...
def renamed(context: StepContext, order: int) -> str: ...
def annotated(c: Annotated[StepContext, "x"], order: int) -> str: ...
def maybe(c: StepContext | None, order: int) -> str: ...
def unannotated(ctx, order): ...
def by_position(c, order: int) -> str: ...
def extra(ctx: StepContext, order: int, retries: int = 3, *, loud: bool = False) -> str: ...
def keywords(ctx: StepContext, order: int, **rest: int) -> str: ...
def named_ctx_but_typed(ctx: int) -> str: ...
async def awaited(ctx: StepContext, order: int) -> str: ...
def gives_awaitable(order: int) -> Awaitable[str]: ...


@pytest.mark.parametrize(
    ("handler", "ctx", "given", "input_type", "output_type"),
    [
        (both, True, True, int, str),
        (only_input, False, True, int, str),
        (only_ctx, True, False, Any, str),
        (nothing, False, False, Any, str),
        (renamed, True, True, int, str),
        (annotated, True, True, int, str),
        (maybe, True, True, int, str),
        (unannotated, True, True, Any, Any),
        (by_position, True, True, int, str),
        (extra, True, True, int, str),
        (keywords, True, True, int, str),
        (named_ctx_but_typed, False, True, int, str),
        (lambda ctx, order: order, True, True, Any, Any),
        (lambda c, order: order, True, True, Any, Any),
        (lambda order: order, False, True, Any, Any),
        (lambda ctx: ctx, True, False, Any, Any),
    ],
)
def test_what_a_handler_takes_and_puts_out(handler, ctx, given, input_type, output_type):
    found = read(handler)

    assert (found.takes_ctx, found.takes_input) == (ctx, given)
    assert (found.input_type, found.output_type) == (input_type, output_type)
    assert not found.is_async


@pytest.mark.parametrize("handler", [awaited, gives_awaitable])
def test_async_handlers_put_out_what_is_awaited(handler):
    found = read(handler)

    assert found.is_async
    assert found.output_type is str


class Charger:
    def __call__(self, ctx: StepContext, order: int) -> str: ...

    def method(self, order: int) -> str: ...

    @staticmethod
    def static(order: int) -> str: ...

    @classmethod
    def for_class(cls, order: int) -> str: ...


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def with_key(ctx: StepContext, order: int, key: str) -> str: ...


@pytest.mark.parametrize(
    "handler",
    [
        Charger(),
        Charger().method,
        Charger.static,
        Charger.for_class,
        functools.partial(with_key, key="x"),
        functools.partial(functools.partial(with_key, key="x"), StepContext),
        functools.partial(Charger().method),
        wrapped(both),
    ],
)
def test_callables_of_every_kind_are_read(handler):
    found = read(handler)

    assert found.takes_input
    assert (found.input_type, found.output_type) == (int, str)


def test_a_partial_of_an_async_function_is_async():
    assert read(functools.partial(awaited)).is_async


def test_a_partial_that_fills_the_input_takes_none():
    assert not read(functools.partial(both, order=1)).takes_input


def two_inputs(ctx: StepContext, order: int, key: str) -> str: ...
def two_typed(order: int, key: str) -> str: ...
def keyword_needed(order: int, *, key: str) -> str: ...
def star(*args: Any) -> str: ...
def star_after_ctx(ctx: StepContext, *args: Any) -> str: ...
def ctx_second(order: int, ctx: StepContext) -> str: ...
def two_contexts(ctx: StepContext, other: StepContext) -> str: ...
def generator(order: int) -> Iterator[int]:
    yield order


async def async_generator(order: int) -> AsyncIterator[int]:
    yield order


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (two_inputs, "nothing fills the parameter 'key'"),
        (two_typed, "nothing fills the parameter 'key'"),
        (keyword_needed, "nothing fills the parameter 'key'"),
        (star, r"only \*args"),
        (star_after_ctx, r"only \*args"),
        (ctx_second, "must be the first parameter"),
        (two_contexts, "two contexts"),
        (generator, "generator"),
        (async_generator, "generator"),
        (wrapped(generator), "generator"),
        (Charger, "must be a function"),
        (3, "must be a function"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_handler_is_refused(handler, message):
    with pytest.raises(DefinitionError, match=f"^step 'a'.*{message}"):
        read(handler)


def test_a_name_that_cannot_be_resolved_is_named():
    def handler(order: Nowhere) -> str: ...

    with pytest.raises(DefinitionError, match=r"step 'a': the name 'Nowhere' .* TYPE_CHECKING"):
        read(handler)


def test_the_context_may_be_imported_for_type_checking_only():
    namespace: dict[str, Any] = {}
    source = "def handler(c: 'StepContext', order: 'int') -> 'str': ..."
    exec(source, namespace)  # noqa: S102

    found = read(namespace["handler"])

    assert found.takes_ctx
    assert found.input_type is int
