"""`WorkflowBuilder`: the fluent way to a `Workflow`, typed so that chains have to meet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, overload

from typing_extensions import TypeVar

from gorkflow.config import ExecutionConfig
from gorkflow.definition.assembly import MISSING, Placement, assemble
from gorkflow.definition.context import StepContext
from gorkflow.definition.header import Header
from gorkflow.definition.step import Step, as_step
from gorkflow.definition.workflow import Workflow
from gorkflow.errors import DefinitionError

In = TypeVar("In")
Out = TypeVar("Out")
Result = TypeVar("Result", default=Out)
New = TypeVar("New")
Default = TypeVar("Default")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")


class Start:
    """What a builder hands on before its first block. Only type checkers meet it."""


When = (
    Callable[[StepContext, Out], object] | Callable[[Out], object] | Callable[[StepContext], object]
)
"""A condition: of the context and the value, of the value, or of the context (called `ctx`)."""


@dataclass(frozen=True, slots=True)
class _Link:
    """A chain of placements. Builders share its tail, so that adding a step copies nothing."""

    placement: Placement
    before: _Link | None


class WorkflowBuilder(Generic[In, Out, Result]):
    """Puts steps in order and builds a `Workflow`.

    A builder never changes: every method returns another one, as with Django's query sets. Its
    type parameters: what a run takes, what the last block hands on, and what a run puts out where
    that differs (several last steps: a dict by step id; a skipped last step: what came before).

    Args:
        id: 1 to 200 characters, no control characters.
        name: for people; the id if left out.
        version: 1 to 50 characters. A run stays with the version that it was started with.
        description: free text.
        config: for steps that set nothing themselves, and `max_concurrency` of a run.
        tags: tags that every run gets.
        context: a JSON value, model or dataclass, for `ctx.context`.
        max_concurrent_runs: runs that may be under way at once; the rest wait. None for no limit.
        run_timeout: seconds until a run fails with TIMEOUT, up to ten years. None for no limit.

    Raises:
        DefinitionError: one of them is wrong.

    """

    def __init__(  # noqa: PLR0913  keywords, each with a default
        self: WorkflowBuilder[Start, Start, Start],
        id: str,  # noqa: A002  the public word
        *,
        name: str | None = None,
        version: str = "1",
        description: str = "",
        config: ExecutionConfig | None = None,
        tags: Mapping[str, str] | None = None,
        context: Any = None,
        max_concurrent_runs: int | None = None,
        run_timeout: float | None = None,
    ) -> None:
        self._header = Header(
            id=id,
            name=id if name is None else name,
            version=version,
            description=description,
            config=config or ExecutionConfig(),
            tags=dict(tags or {}),
            context=context,
            max_concurrent_runs=max_concurrent_runs,
            run_timeout=run_timeout,
        )
        self._last: _Link | None = None
        self._tips: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<WorkflowBuilder {self._header.id!r}>"

    def describe(self, description: str) -> Self:
        """Set the description."""
        return self._changed(description=description)

    def configure(self, config: ExecutionConfig | None = None, /, **fields: Any) -> Self:
        """Lay a config, or single `ExecutionConfig` fields, over the workflow's config.

        Raises:
            DefinitionError: a field is unknown or wrong.

        """
        return self._changed(config=self._header.configured(config, fields))

    def tag(self, **tags: str) -> Self:
        """Add tags that every run gets."""
        return self._changed(tags={**self._header.tags, **tags})

    def with_context(self, context: Any) -> Self:
        """Set the custom context: a JSON value, model or dataclass, for `ctx.context`."""
        return self._changed(context=context)

    def limit(
        self, *, max_concurrent_runs: int | None = None, run_timeout: float | None = None
    ) -> Self:
        """Set both limits of the workflow's runs; see the class."""
        return self._changed(max_concurrent_runs=max_concurrent_runs, run_timeout=run_timeout)

    @overload
    def then(
        self: WorkflowBuilder[Start, Start, Start], step: Step[A, New], /
    ) -> WorkflowBuilder[A, New]: ...
    @overload
    def then(self, step: Step[Out, New], /) -> WorkflowBuilder[In, New]: ...
    def then(self, step: Any, /) -> Any:
        """Add a step that takes what the block before it puts out.

        A plain function works too; a type checker wants `step(function)`.
        """
        return self._placed(step)

    @overload
    def sequence(
        self: WorkflowBuilder[Start, Start, Start], a: Step[New, A], b: Step[A, B], /
    ) -> WorkflowBuilder[New, B]: ...
    @overload
    def sequence(
        self: WorkflowBuilder[Start, Start, Start], a: Step[New, A], b: Step[A, B], c: Step[B, C], /
    ) -> WorkflowBuilder[New, C]: ...
    @overload
    def sequence(
        self: WorkflowBuilder[Start, Start, Start],
        a: Step[New, A],
        b: Step[A, B],
        c: Step[B, C],
        d: Step[C, D],
        /,
    ) -> WorkflowBuilder[New, D]: ...
    @overload
    def sequence(
        self: WorkflowBuilder[Start, Start, Start],
        a: Step[New, Any],
        b: Step[Any, Any],
        c: Step[Any, Any],
        d: Step[Any, Any],
        e: Step[Any, Any],
        /,
        *more: Step[Any, Any],
    ) -> WorkflowBuilder[New, Any]: ...
    @overload
    def sequence(self, a: Step[Out, A], b: Step[A, B], /) -> WorkflowBuilder[In, B]: ...
    @overload
    def sequence(
        self, a: Step[Out, A], b: Step[A, B], c: Step[B, C], /
    ) -> WorkflowBuilder[In, C]: ...
    @overload
    def sequence(
        self, a: Step[Out, A], b: Step[A, B], c: Step[B, C], d: Step[C, D], /
    ) -> WorkflowBuilder[In, D]: ...
    @overload
    def sequence(
        self,
        a: Step[Out, Any],
        b: Step[Any, Any],
        c: Step[Any, Any],
        d: Step[Any, Any],
        e: Step[Any, Any],
        /,
        *more: Step[Any, Any],
    ) -> WorkflowBuilder[In, Any]: ...
    def sequence(self, *steps: Any) -> Any:
        """Add steps one after the other, as `then` would."""
        builder: WorkflowBuilder[Any, Any, Any] = self
        for each in steps:
            builder = builder._placed(each)
        return builder

    @overload
    def parallel(
        self: WorkflowBuilder[Start, Start, Start], a: Step[New, A], b: Step[New, B], /
    ) -> WorkflowBuilder[New, tuple[A, B], dict[str, Any]]: ...
    @overload
    def parallel(
        self: WorkflowBuilder[Start, Start, Start],
        a: Step[New, A],
        b: Step[New, B],
        c: Step[New, C],
        /,
    ) -> WorkflowBuilder[New, tuple[A, B, C], dict[str, Any]]: ...
    @overload
    def parallel(
        self: WorkflowBuilder[Start, Start, Start],
        a: Step[New, A],
        b: Step[New, B],
        c: Step[New, C],
        d: Step[New, D],
        /,
    ) -> WorkflowBuilder[New, tuple[A, B, C, D], dict[str, Any]]: ...
    @overload
    def parallel(
        self: WorkflowBuilder[Start, Start, Start],
        a: Step[New, A],
        b: Step[New, B],
        c: Step[New, C],
        d: Step[New, D],
        e: Step[New, E],
        /,
    ) -> WorkflowBuilder[New, tuple[A, B, C, D, E], dict[str, Any]]: ...
    @overload
    def parallel(
        self: WorkflowBuilder[Start, Start, Start],
        a: Step[New, A],
        b: Step[New, B],
        c: Step[New, C],
        d: Step[New, D],
        e: Step[New, E],
        f: Step[New, F],
        /,
    ) -> WorkflowBuilder[New, tuple[A, B, C, D, E, F], dict[str, Any]]: ...
    @overload
    def parallel(
        self: WorkflowBuilder[Start, Start, Start],
        a: Step[New, Any],
        b: Step[New, Any],
        c: Step[New, Any],
        d: Step[New, Any],
        e: Step[New, Any],
        f: Step[New, Any],
        /,
        *more: Step[New, Any],
    ) -> WorkflowBuilder[New, tuple[Any, ...], dict[str, Any]]: ...
    @overload
    def parallel(
        self, a: Step[Out, A], b: Step[Out, B], /
    ) -> WorkflowBuilder[In, tuple[A, B], dict[str, Any]]: ...
    @overload
    def parallel(
        self, a: Step[Out, A], b: Step[Out, B], c: Step[Out, C], /
    ) -> WorkflowBuilder[In, tuple[A, B, C], dict[str, Any]]: ...
    @overload
    def parallel(
        self, a: Step[Out, A], b: Step[Out, B], c: Step[Out, C], d: Step[Out, D], /
    ) -> WorkflowBuilder[In, tuple[A, B, C, D], dict[str, Any]]: ...
    @overload
    def parallel(
        self, a: Step[Out, A], b: Step[Out, B], c: Step[Out, C], d: Step[Out, D], e: Step[Out, E], /
    ) -> WorkflowBuilder[In, tuple[A, B, C, D, E], dict[str, Any]]: ...
    @overload
    def parallel(
        self,
        a: Step[Out, A],
        b: Step[Out, B],
        c: Step[Out, C],
        d: Step[Out, D],
        e: Step[Out, E],
        f: Step[Out, F],
        /,
    ) -> WorkflowBuilder[In, tuple[A, B, C, D, E, F], dict[str, Any]]: ...
    @overload
    def parallel(
        self,
        a: Step[Out, Any],
        b: Step[Out, Any],
        c: Step[Out, Any],
        d: Step[Out, Any],
        e: Step[Out, Any],
        f: Step[Out, Any],
        /,
        *more: Step[Out, Any],
    ) -> WorkflowBuilder[In, tuple[Any, ...], dict[str, Any]]: ...
    def parallel(self, *steps: Any) -> Any:
        """Add steps that all take what the block before puts out, or else the run's input.

        The next step gets all their outputs, in this order or by step id. Every step of a second
        parallel block waits for all of the first.

        Raises:
            DefinitionError: no step was given.

        """
        if not steps:
            msg = "parallel() needs at least one step"
            raise DefinitionError(msg)
        made = [as_step(each) for each in steps]
        placements = [Placement(step=each, parents=self._tips) for each in made]
        return self._linked(placements, tuple(each.id for each in made))

    @overload
    def then_if(
        self: WorkflowBuilder[Start, Start, Start], step: Step[New, New], /, *, when: When[New]
    ) -> WorkflowBuilder[New, New]: ...
    @overload
    def then_if(
        self: WorkflowBuilder[Start, Start, Start],
        step: Step[A, New],
        /,
        *,
        when: When[A],
        default: Default,
    ) -> WorkflowBuilder[A, New | Default]: ...
    @overload
    def then_if(
        self: WorkflowBuilder[Start, Start, Start], step: Step[A, New], /, *, when: When[A]
    ) -> WorkflowBuilder[A, New | None]: ...
    @overload
    def then_if(self, step: Step[Out, Out], /, *, when: When[Out]) -> WorkflowBuilder[In, Out]: ...
    @overload
    def then_if(
        self, step: Step[Out, New], /, *, when: When[Out], default: Default
    ) -> WorkflowBuilder[In, New | Default]: ...
    @overload
    def then_if(
        self, step: Step[Out, New], /, *, when: When[Out]
    ) -> WorkflowBuilder[In, New | None, New | Result]: ...
    def then_if(self, step: Any, /, *, when: Callable[..., object], default: Any = MISSING) -> Any:
        """Add a step that is skipped unless a condition holds.

        A skipped step puts out its default; without one its input, if that has the type of its
        output; else None.

        Args:
            step: the step.
            when: takes `(ctx, value)`, `(value)` or `(ctx)`; `value` is the step's input. An error
                in it fails the step.
            default: the output when skipped, of the step's output type; None is always allowed.

        """
        return self._placed(step, when=when, default=default)

    def add(self, *steps: Step[Any, Any]) -> WorkflowBuilder[In, Out, Any]:
        """Add steps that say with `after=` where they stand; the chain goes on where it was.

        Raises:
            DefinitionError: a step has no `after=`; `after=()` makes it an entry step.

        """
        made = [as_step(each) for each in steps]
        for each in made:
            if each.after is None:
                msg = f"step {each.id!r} has no after=; say what it waits for, or () for nothing"
                raise DefinitionError(msg, step_id=each.id)
        return self._linked([Placement(step=each, parents=()) for each in made], self._tips)

    def build(self) -> Workflow[In, Result]:
        """Check everything and return the workflow.

        Raises:
            DefinitionError: they do not make a workflow; names steps, types, the path of a cycle.

        """
        placements, link = list[Placement](), self._last
        while link is not None:
            placements.append(link.placement)
            link = link.before
        caller = sys._getframe(1)  # noqa: SLF001  the one way to know where, and only for messages
        place = f"{caller.f_globals.get('__name__', '?')}, line {caller.f_lineno}"
        return assemble(self._header, placements[::-1], place)

    def _changed(self, **fields: Any) -> Self:
        return self._copy(self._header.replace(**fields), self._last, self._tips)

    def _placed(
        self, step: Any, when: Callable[..., object] | None = None, default: Any = MISSING
    ) -> Self:
        made = as_step(step)
        placement = Placement(step=made, parents=self._tips, when=when, default=default)
        return self._linked([placement], (made.id,))

    def _linked(self, placements: Sequence[Placement], tips: tuple[str, ...]) -> Self:
        last = self._last
        for placement in placements:
            last = _Link(placement, last)
        return self._copy(self._header, last, tips)

    def _copy(self, header: Header, last: _Link | None, tips: tuple[str, ...]) -> Self:
        made = object.__new__(type(self))
        made._header, made._last, made._tips = header, last, tips
        return made
