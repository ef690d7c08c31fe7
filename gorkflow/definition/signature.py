"""What a handler takes and puts out, read from its annotations."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any, get_args, get_origin

from gorkflow.definition.context import StepContext
from gorkflow.definition.shapes import union_members
from gorkflow.errors import DefinitionError

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How to call a handler. The order is always context, input; either may be missing."""

    is_async: bool
    takes_ctx: bool
    takes_input: bool
    input_type: Any
    """Any where the handler takes no input or does not say."""
    output_type: Any
    """What an `async def` returns when awaited; Any where the handler does not say."""


def read_signature(handler: Callable[..., Any], what: str) -> Signature:
    """Read a function, a bound method, a partial or a callable object.

    The context is a first parameter that is annotated StepContext, or that is called `ctx` or
    followed by another required one and has no annotation. The next parameter is the input,
    whatever its name. Further parameters need defaults.

    Args:
        handler: the callable.
        what: what it is, for messages ("step 'charge'").

    Raises:
        DefinitionError: it cannot be called so, is a generator, or names an unknown type.

    """
    function = _function_of(handler, what)
    _refuse_generators(function, what)
    hints = _hints(function, what)
    try:
        parameters = list(inspect.signature(handler).parameters.values())
    except (ValueError, TypeError):
        msg = f"{what}: its parameters cannot be read; wrap {handler!r} in a function"
        raise DefinitionError(msg) from None
    # A positional parameter that a partial has bound is no longer listed here.
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    takes_ctx = bool(positional) and _is_context(positional, hints)
    rest = positional[1:] if takes_ctx else positional
    _refuse_unfillable(rest[1:], rest[:1], parameters, hints, what)
    returned = hints.get("return", Any)
    return Signature(
        is_async=_is_async(handler, function, returned),
        takes_ctx=takes_ctx,
        takes_input=bool(rest),
        input_type=hints.get(rest[0].name, Any) if rest else Any,
        output_type=_awaited(returned),
    )


def _function_of(handler: Any, what: str) -> Any:
    while isinstance(handler, functools.partial):
        handler = handler.func
    if isinstance(handler, type) or not callable(handler):
        msg = f"{what} must be a function or another callable, not {handler!r:.100}"
        raise DefinitionError(msg)
    if inspect.ismethod(handler):
        return handler.__func__
    return handler if inspect.isroutine(handler) else type(handler).__call__


def _refuse_generators(function: Any, what: str) -> None:
    inner = inspect.unwrap(function)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        msg = f"{what} is a generator; return the value instead of yielding"
        raise DefinitionError(msg)


def _hints(function: Any, what: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    while True:
        try:
            return typing.get_type_hints(function, localns=names or None, include_extras=True)
        except NameError as error:
            # Linters move this import under TYPE_CHECKING, and it is the one name known here.
            if error.name == "StepContext" and not names:
                names["StepContext"] = StepContext
                continue
            msg = (
                f"{what}: the name {error.name!r} in its annotations is not defined when the step"
                " is made; define or import it before, and not under TYPE_CHECKING"
            )
            raise DefinitionError(msg) from None
        except (TypeError, SyntaxError, AttributeError) as error:
            msg = f"{what}: its annotations cannot be read: {error}"
            raise DefinitionError(msg) from None


def _is_context(positional: list[Parameter], hints: dict[str, Any]) -> bool:
    first, hint = positional[0], hints.get(positional[0].name)
    if hint is None or hint is Any:
        required = [each for each in positional if each.default is Parameter.empty]
        return first.name == "ctx" or len(required) == 2  # noqa: PLR2004  context and input
    return _names_context(hint)


def _names_context(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    return any(
        isinstance(each, type) and issubclass(each, StepContext) for each in union_members(hint)
    )


def _refuse_unfillable(
    further: list[Parameter],
    taken: list[Parameter],
    parameters: list[Parameter],
    hints: dict[str, Any],
    what: str,
) -> None:
    if taken and _names_context(hints.get(taken[0].name)):
        msg = f"{what} takes two contexts; the order is (ctx, input)"
        raise DefinitionError(msg)
    if not taken and any(each.kind is Parameter.VAR_POSITIONAL for each in parameters):
        msg = (
            f"{what} takes only *args, so its input cannot be told; use functools.wraps or name it"
        )
        raise DefinitionError(msg)
    for each in (*further, *(one for one in parameters if one.kind is Parameter.KEYWORD_ONLY)):
        if _names_context(hints.get(each.name)):
            msg = f"{what}: the context {each.name!r} must be the first parameter"
            raise DefinitionError(msg)
        if each.default is Parameter.empty:
            msg = (
                f"{what}: nothing fills the parameter {each.name!r}; a handler takes (ctx, input),"
                " and anything more needs a default"
            )
            raise DefinitionError(msg)


def _is_async(handler: Any, function: Any, returned: Any) -> bool:
    inner = handler.func if isinstance(handler, functools.partial) else handler
    return (
        inspect.iscoroutinefunction(inner)
        or inspect.iscoroutinefunction(function)
        or get_origin(returned) in (Awaitable, Coroutine, types.CoroutineType)
    )


def _awaited(returned: Any) -> Any:
    if get_origin(returned) in (Awaitable, Coroutine, types.CoroutineType):
        return get_args(returned)[-1]
    return returned
