"""`step` and `Step`: a function, the types it takes and puts out, and how it is to be run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    Protocol,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from pydantic import ValidationError

from gorkflow.config import Backoff, ExecutionConfig
from gorkflow.definition.codec import Codec
from gorkflow.definition.naming import checked_name, did_you_mean
from gorkflow.definition.signature import Signature, read_signature
from gorkflow.errors import DefinitionError

if TYPE_CHECKING:
    from gorkflow.definition.context import StepContext

In = TypeVar("In")
Out = TypeVar("Out")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

_SIGNATURE = tuple(each.name for each in fields(Signature))
_CONFIG_FIELDS = tuple(name for name in ExecutionConfig.model_fields if name != "max_concurrency")


class StepOptions(TypedDict, total=False):
    """What `step()` and `Step.with_()` take; `ExecutionConfig` documents the second group."""

    id: str
    """1 to 200 characters, no control characters; the function's name if left out."""
    name: str
    """For people; the id in words if left out."""
    validate: bool
    """False hands input over as plain JSON data and stores output as it is, both unchecked."""
    atomic: bool
    """Run the handler in the transaction that commits its output."""
    after: Step[Any, Any] | str | Iterable[Step[Any, Any] | str] | None
    """The steps it waits for: () for none; None, as if left out, for its place in the chain."""

    max_retries: int
    retry_delay: float
    backoff: Backoff | Literal["LINEAR", "EXPONENTIAL", "NONE"]
    max_delay: float
    jitter: float
    timeout: float | None
    continue_on_error: bool
    queue: str | None
    retry_on: type[BaseException] | tuple[type[BaseException], ...] | None
    no_retry_on: type[BaseException] | tuple[type[BaseException], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Step(Generic[In_contra, Out_co]):
    """One unit of work. Made by `step()`, never changed afterwards, compared by identity.

    Calling a step calls its handler, with nothing around it: no validation, no retry.
    """

    id: str
    name: str
    description: str
    """The first line of the handler's docstring."""
    handler: Callable[..., Any]
    is_async: bool
    takes_ctx: bool
    takes_input: bool
    input_type: Any
    """Any where the handler takes no input or has no annotation."""
    output_type: Any
    """What an async handler returns when awaited; Any without an annotation."""
    config: ExecutionConfig
    """Only the fields that were given to `step()`."""
    validate: bool
    atomic: bool
    after: tuple[str, ...] | None
    """Ids of the steps it waits for; None leaves that to its place in the chain."""
    input_codec: Codec[Any]
    output_codec: Codec[Any]

    def __post_init__(self) -> None:
        # So that help(), inspect and doctest see the function. The class is frozen for callers.
        self.__dict__.update(
            __doc__=getattr(self.handler, "__doc__", None),
            __name__=getattr(self.handler, "__name__", self.id),
            __wrapped__=self.handler,
        )

    def __repr__(self) -> str:
        return f"<Step {self.id!r}>"

    @overload
    def __call__(self, ctx: StepContext, value: In_contra, /) -> Out_co: ...
    @overload
    def __call__(self, value: In_contra, /) -> Out_co: ...
    @overload
    def __call__(self, ctx: StepContext, /) -> Out_co: ...
    @overload
    def __call__(self) -> Out_co: ...
    def __call__(self, *arguments: Any) -> Out_co:
        """Call the handler as it was written.

        An async handler gives an awaitable; `await step.handler(...)` is how to say that typed.
        """
        return cast("Out_co", self.handler(*arguments))

    def with_(self, **options: Unpack[StepOptions]) -> Step[In_contra, Out_co]:
        """Return a copy with other options, for using one function twice or in another way.

        Raises:
            DefinitionError: an option is unknown or wrong.

        """
        own: dict[str, Any] = {
            "id": self.id,
            "validate": self.validate,
            "atomic": self.atomic,
            "after": self.after,
            **self.config.set_fields(),
        }
        if self.name != _in_words(self.id):
            own["name"] = self.name
        return _make(self.handler, {**own, **options}, _signature_of(self))


class StepDecorator(Protocol):
    """What `step(**options)` returns: it makes a step of the function below it."""

    @overload
    def __call__(
        self, handler: Callable[[StepContext, In], Coroutine[Any, Any, Out]], /
    ) -> Step[In, Out]: ...
    @overload
    def __call__(self, handler: Callable[[StepContext, In], Out], /) -> Step[In, Out]: ...
    @overload
    def __call__(
        self, handler: Callable[[StepContext], Coroutine[Any, Any, Out]], /
    ) -> Step[Any, Out]: ...
    @overload
    def __call__(self, handler: Callable[[StepContext], Out], /) -> Step[Any, Out]: ...
    @overload
    def __call__(self, handler: Callable[[In], Coroutine[Any, Any, Out]], /) -> Step[In, Out]: ...
    @overload
    def __call__(self, handler: Callable[[In], Out], /) -> Step[In, Out]: ...
    @overload
    def __call__(self, handler: Callable[[], Coroutine[Any, Any, Out]], /) -> Step[Any, Out]: ...
    @overload
    def __call__(self, handler: Callable[[], Out], /) -> Step[Any, Out]: ...


@overload
def step(
    handler: Callable[[StepContext, In], Coroutine[Any, Any, Out]],
    /,
    **options: Unpack[StepOptions],
) -> Step[In, Out]: ...
@overload
def step(
    handler: Callable[[StepContext, In], Out], /, **options: Unpack[StepOptions]
) -> Step[In, Out]: ...
@overload
def step(
    handler: Callable[[StepContext], Coroutine[Any, Any, Out]],
    /,
    **options: Unpack[StepOptions],
) -> Step[Any, Out]: ...
@overload
def step(
    handler: Callable[[StepContext], Out], /, **options: Unpack[StepOptions]
) -> Step[Any, Out]: ...
@overload
def step(
    handler: Callable[[In], Coroutine[Any, Any, Out]], /, **options: Unpack[StepOptions]
) -> Step[In, Out]: ...
@overload
def step(handler: Callable[[In], Out], /, **options: Unpack[StepOptions]) -> Step[In, Out]: ...
@overload
def step(
    handler: Callable[[], Coroutine[Any, Any, Out]], /, **options: Unpack[StepOptions]
) -> Step[Any, Out]: ...
@overload
def step(handler: Callable[[], Out], /, **options: Unpack[StepOptions]) -> Step[Any, Out]: ...
@overload
def step(**options: Unpack[StepOptions]) -> StepDecorator: ...
def step(handler: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a step of a function: as `@step`, as `@step(max_retries=5)` or as `step(function)`.

    The handler takes `(ctx, input)`, `(input)`, `(ctx)` or nothing; its annotations say what it
    takes and puts out. It may be `async def`.

    Args:
        handler: the function.
        options: see `StepOptions`. What is not given comes from the workflow's config.

    Raises:
        DefinitionError: the function cannot be a handler, or an option is unknown or wrong.

    """
    if handler is None:
        _refuse_unknown(options)
        return functools.partial(step, **options)
    if isinstance(handler, Step):
        return handler.with_(**options)
    return _make(handler, options, None)


def as_step(value: Step[Any, Any] | Callable[..., Any]) -> Step[Any, Any]:
    """Return a step as it is, and a plain function as a step with no options."""
    return value if isinstance(value, Step) else step(value)


def _make(
    handler: Callable[..., Any], options: Mapping[str, Any], signature: Signature | None
) -> Step[Any, Any]:
    _refuse_unknown(options)
    step_id = checked_name(options["id"] if "id" in options else _own_name(handler), "a step id")
    what = f"step {step_id!r}"
    signature = signature or read_signature(handler, what)
    validate = bool(options.get("validate", True))
    return Step(
        id=step_id,
        name=checked_name(options.get("name", _in_words(step_id)), f"the name of {what}"),
        description=_first_line(handler),
        handler=handler,
        **{each: getattr(signature, each) for each in _SIGNATURE},
        config=_config(options, what),
        validate=validate,
        atomic=bool(options.get("atomic", False)),
        after=_after(options.get("after"), what),
        input_codec=Codec(signature.input_type, what=f"input of {what}", validate=validate),
        output_codec=Codec(signature.output_type, what=f"output of {what}", validate=validate),
    )


def _signature_of(made: Step[Any, Any]) -> Signature:
    return Signature(**{each: getattr(made, each) for each in _SIGNATURE})


def _refuse_unknown(options: Mapping[str, Any]) -> None:
    known = StepOptions.__annotations__
    for name in options:
        if name == "max_concurrency":
            msg = "max_concurrency is the workflow's: WorkflowBuilder(...).configure(...)"
            raise DefinitionError(msg, option=name)
        if name not in known:
            msg = f"a step has no option {name!r}{did_you_mean(name, known)}"
            raise DefinitionError(msg, option=name)


def _config(options: Mapping[str, Any], what: str) -> ExecutionConfig:
    given = {name: options[name] for name in _CONFIG_FIELDS if name in options}
    for name in ("retry_on", "no_retry_on"):
        if isinstance(given.get(name), type):
            given[name] = (given[name],)
    return checked_config(given, what)


def checked_config(given: Mapping[str, Any], what: str) -> ExecutionConfig:
    """Return an ExecutionConfig with just these fields set. Raises DefinitionError."""
    try:
        return ExecutionConfig(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        hint = (
            did_you_mean(name, ExecutionConfig.model_fields)
            if name not in (ExecutionConfig.model_fields)
            else ""
        )
        msg = f"{what}: {name}: {first['msg']}{hint}"
        raise DefinitionError(msg, option=name) from None


def _after(value: Any, what: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if isinstance(value, str | Step) or callable(value):
        value = (value,)
    if not isinstance(value, Iterable):
        msg = f"{what}: after= takes steps or their ids, not {value!r:.100}"
        raise DefinitionError(msg)
    ids = tuple(each if isinstance(each, str) else as_step(each).id for each in value)
    twice = next((each for each in ids if ids.count(each) > 1), None)
    if twice is not None:
        msg = f"{what} names {twice!r} twice in after="
        raise DefinitionError(msg)
    return ids


def _own_name(handler: Any) -> str:
    while isinstance(handler, functools.partial):
        handler = handler.func
    name = getattr(handler, "__name__", None) or type(handler).__name__
    if name == "<lambda>":
        msg = "a lambda has no name; give the step an id, or use a def"
        raise DefinitionError(msg)
    return str(name)


def _in_words(step_id: str) -> str:
    words = step_id.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] if words else step_id


def _first_line(handler: Any) -> str:
    while isinstance(handler, functools.partial):
        handler = handler.func
    text = getattr(handler, "__doc__", None) or ""
    return text.strip().partition("\n")[0].rstrip()
