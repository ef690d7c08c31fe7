"""From placed steps to a checked `Workflow`: what `WorkflowBuilder.build()` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, get_origin

import typing_extensions

from gorkflow.config import ExecutionConfig
from gorkflow.definition.codec import Codec
from gorkflow.definition.condition import Condition
from gorkflow.definition.graph import ExecutionGraph, Node
from gorkflow.definition.header import Header
from gorkflow.definition.joins import Handed, join_of, mismatch
from gorkflow.definition.naming import did_you_mean
from gorkflow.definition.shapes import plain, union_members
from gorkflow.definition.step import Step
from gorkflow.definition.types import compatible, one_of, same_type, type_names
from gorkflow.definition.workflow import Workflow
from gorkflow.errors import DefinitionError, PayloadError
from gorkflow.records import Json


class Missing:
    """The type of a default that was not given; None is a default like any other."""


MISSING = Missing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A step where the chain put it."""

    step: Step[Any, Any]
    parents: tuple[str, ...]
    """The chain's word; `step.after` has the last one."""
    when: Callable[..., object] | None = None
    default: Any = MISSING


class Assembly:
    """The parts of a workflow, made and checked once, in order.

    Raises:
        DefinitionError: the steps do not make a workflow; names the steps and types.

    """

    def __init__(self, placements: Sequence[Placement], config: ExecutionConfig) -> None:
        self._placements = placements
        self._config = config
        self.steps = _by_id(placements)
        self._default: dict[str, Json | None] = {}
        self._passes: dict[str, bool] = {}
        self._wanted: dict[str, Any] = {}
        self.conditions: dict[str, Condition] = {}
        for placement in placements:
            self._prepare(placement)
        self.graph = ExecutionGraph([self._node(placement) for placement in placements])
        for node in self.graph:
            self._check(node)
        self.input_type = self._input_type()
        self.output_type = self._output_type()

    def input_codec(self, workflow_id: str) -> Codec[Any]:
        """Return the codec of a run's input; unchecked where no entry step checks its input."""
        validate = any(self.steps[entry].validate for entry in self.graph.entries)
        what = f"input of workflow {workflow_id!r}"
        return _prepared(Codec(self.input_type, what=what, validate=validate))

    def output_codec(self, workflow_id: str) -> Codec[Any]:
        """Return the codec of a run's output; unchecked where a sink's output is."""
        validate = all(self.steps[sink].validate for sink in self.graph.sinks)
        what = f"output of workflow {workflow_id!r}"
        return Codec(self.output_type, what=what, validate=validate)

    def _parents(self, placement: Placement) -> tuple[str, ...]:
        after = placement.step.after
        return placement.parents if after is None else after

    def _prepare(self, placement: Placement) -> None:
        """Make what belongs to one step alone: its codecs, its condition and its default."""
        step = placement.step
        for parent in self._parents(placement):
            if parent not in self.steps:
                hint = did_you_mean(parent, self.steps)
                msg = f"step {step.id!r} comes after {parent!r}, which is not in the workflow{hint}"
                raise DefinitionError(msg, step_id=step.id, parent=parent)
        step.input_codec.prepare()
        step.output_codec.prepare()
        if placement.when is not None:
            self.conditions[step.id] = _condition(step, placement.when)
        self._wanted[step.id] = self._wanted_type(step)
        self._default[step.id] = _default(step, placement.default)
        self._passes[step.id] = (
            placement.when is not None
            and isinstance(placement.default, Missing)
            and self._hands_on_its_input(placement)
        )

    def _wanted_type(self, step: Step[Any, Any]) -> Any:
        """Return the step's input type, or its condition's where the step asks for nothing."""
        condition = self.conditions.get(step.id)
        if condition is not None and plain(step.input_type) is Any:
            return condition.input_type
        return step.input_type

    def _hands_on_its_input(self, placement: Placement) -> bool:
        step, parents = placement.step, self._parents(placement)
        if step.takes_input and same_type(step.input_type, step.output_type):
            return True
        # What comes in may be narrower than what the handler asks for, or it may ask for nothing.
        return len(parents) == 1 and same_type(self.steps[parents[0]].output_type, step.output_type)

    def _node(self, placement: Placement) -> Node:
        step, parents = placement.step, self._parents(placement)
        config = step.config.over(self._config) if step.config.model_fields_set else self._config
        return Node(
            id=step.id,
            name=step.name,
            parents=parents,
            join=join_of(self._wanted[step.id], parents),
            conditional=placement.when is not None,
            default=self._default[step.id],
            passes_through=self._passes[step.id],
            atomic=step.atomic,
            config=config,
        )

    def _check(self, node: Node) -> None:
        step = self.steps[node.id]
        handed = [self._handed(parent) for parent in node.parents]
        problem = mismatch(step.id, self._wanted[step.id], node.join, handed)
        if problem is not None:
            raise DefinitionError(problem, step_id=step.id, parents=list(node.parents))

    def _handed(self, step_id: str) -> Handed:
        node, step = self.graph[step_id], self.steps[step_id]
        kind = one_of(step.output_type, None) if _may_be_none(node) else step.output_type
        return Handed(step_id, kind, may_fail=node.config.continue_on_error)

    def _input_type(self) -> Any:
        asking = [
            (entry, self._wanted[entry])
            for entry in self.graph.entries
            if plain(self._wanted[entry]) is not Any
        ]
        asking.sort(key=lambda pair: _width(pair[1]))
        for _, candidate in asking:
            if all(compatible(candidate, wanted) for _, wanted in asking):
                return candidate
        if not asking:
            return Any
        one, taken = asking[0]
        other, asked = next(pair for pair in asking if not compatible(taken, pair[1]))
        names = type_names(taken, asked)
        msg = (
            f"steps {one!r} and {other!r} both take the run's input, but one takes {names[0]} and"
            f" the other {names[1]}"
        )
        raise DefinitionError(msg, step_id=other)

    def _output_type(self) -> Any:
        """Return the type of a run's output, which looks through skipped sinks."""
        seen: dict[str, Any] = {}
        for node in self.graph:
            found = self.steps[node.id].output_type
            if _looks_through(node):
                found = one_of(found, _shown(node.parents, seen))
            elif _may_be_none(node):
                found = one_of(found, None)
            if node.config.continue_on_error:
                found = one_of(found, None)
            seen[node.id] = found
        return _shown(self.graph.sinks, seen)


def _by_id(placements: Sequence[Placement]) -> Mapping[str, Step[Any, Any]]:
    if not placements:
        msg = "the workflow has no steps; add one with .then(...)"
        raise DefinitionError(msg)
    found: dict[str, Step[Any, Any]] = {}
    for placement in placements:
        step_id = placement.step.id
        if step_id in found:
            msg = f"two steps have the id {step_id!r}; give one another: step.with_(id=...)"
            raise DefinitionError(msg, step_id=step_id)
        found[step_id] = placement.step
    return MappingProxyType(found)


def _condition(step: Step[Any, Any], when: Callable[..., object]) -> Condition:
    condition = Condition(when, step_id=step.id)
    if condition.takes_input and not compatible(step.input_type, condition.input_type):
        given, taken = type_names(step.input_type, condition.input_type)
        msg = f"the condition of step {step.id!r} takes {taken}, but the step's input is {given}"
        raise DefinitionError(msg, step_id=step.id)
    condition.expect(step.input_type)
    return condition


def _default(step: Step[Any, Any], default: Any) -> Json | None:
    if isinstance(default, Missing):
        return None
    if default is None:
        return "null"
    try:
        return step.output_codec.dump(default, what=f"the default of step {step.id!r}")
    except PayloadError as error:
        raise DefinitionError(error.message, step_id=step.id, errors=error.errors) from None


def _looks_through(node: Node) -> bool:
    return node.conditional and node.default is None and not node.passes_through


def _may_be_none(node: Node) -> bool:
    return (
        _looks_through(node)
        or (node.conditional and node.default == "null")
        or node.config.continue_on_error
    )


def _shown(step_ids: Sequence[str], types: Mapping[str, Any]) -> Any:
    """Return the type of one step's output, or of several by step id; None for no step at all."""
    if not step_ids:
        return None
    if len(step_ids) == 1:
        return types[step_ids[0]]
    fields = {step_id: types[step_id] for step_id in step_ids}
    # Made by hand: the keys are ids, known only now.
    typed_dict: Any = typing_extensions.TypedDict
    return typed_dict("Outputs", fields)


def _width(annotation: Any) -> tuple[int, int]:
    """Sort types, the narrowest first: a class before a union, a derived one before its base."""
    annotation = plain(annotation)
    ancestors = getattr(get_origin(annotation) or annotation, "__mro__", ())
    return len(union_members(annotation)), -len(ancestors)


def _prepared(codec: Codec[Any]) -> Codec[Any]:
    codec.prepare()
    return codec


def assemble(header: Header, placements: Sequence[Placement], place: str) -> Workflow[Any, Any]:
    """Return the checked workflow. Raises DefinitionError as `Assembly` does."""
    assembly = Assembly(placements, header.config)
    context_codec = header.context_codec()
    try:
        context = None if header.context is None else context_codec.dump(header.context)
    except PayloadError as error:
        raise DefinitionError(error.message, errors=error.errors) from None
    return Workflow(
        id=header.id,
        name=header.name,
        version=header.version,
        description=header.description,
        tags=MappingProxyType(dict(header.tags)),
        config=header.config,
        max_concurrent_runs=header.max_concurrent_runs,
        run_timeout=header.run_timeout,
        graph=assembly.graph,
        steps=assembly.steps,
        conditions=MappingProxyType(assembly.conditions),
        input_type=assembly.input_type,
        output_type=assembly.output_type,
        input_codec=assembly.input_codec(header.id),
        output_codec=assembly.output_codec(header.id),
        context=context,
        context_codec=context_codec,
        place=place,
    )
