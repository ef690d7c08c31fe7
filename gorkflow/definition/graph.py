"""The shape of a workflow as plain data: nodes, their parents, and how each is run.

An `ExecutionGraph` holds no code, so it can be stored with a run and read back by a worker that
has newer code. Handlers are found by step id in the registered workflow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pydantic_core
from pydantic import BaseModel, ConfigDict

from gorkflow.config import ExecutionConfig
from gorkflow.errors import DefinitionError
from gorkflow.records import Json


class Join(StrEnum):
    """Where a step's input comes from."""

    RUN = "RUN"
    """The run's input: the step has no parents."""
    SINGLE = "SINGLE"
    """The one parent's output."""
    TUPLE = "TUPLE"
    """All parents' outputs in declared order."""
    BY_ID = "BY_ID"
    """All parents' outputs by step id."""


class Node(BaseModel):
    """One step's place in a graph."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str
    parents: tuple[str, ...] = ()
    join: Join = Join.RUN
    conditional: bool = False
    default: Json | None = None
    """The output when skipped, as JSON text; None where no default was given."""
    passes_through: bool = False
    """Whether a skipped step without a default hands on its input."""
    atomic: bool = False
    config: ExecutionConfig = ExecutionConfig()
    """The step's config laid over the workflow's."""


class ExecutionGraph:
    """An immutable DAG of nodes in topological order.

    Raises:
        DefinitionError: two nodes share an id, a parent is unknown, or there is a cycle (named).

    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        listed = tuple(nodes)
        by_id = {node.id: node for node in listed}
        _refuse_bad_references(listed, by_id)
        order = _topological(by_id)
        self._nodes: Mapping[str, Node] = {step_id: by_id[step_id] for step_id in order}
        self._positions = {step_id: index for index, step_id in enumerate(order)}
        children: dict[str, list[str]] = {step_id: [] for step_id in order}
        for step_id in order:
            for parent in by_id[step_id].parents:
                children[parent].append(step_id)
        self._children = {step_id: tuple(found) for step_id, found in children.items()}

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._nodes

    def __getitem__(self, step_id: str) -> Node:
        return self._nodes[step_id]

    def position(self, step_id: str) -> int:
        """Return the step's place in topological order, from 0."""
        return self._positions[step_id]

    def children(self, step_id: str) -> tuple[str, ...]:
        """Return the ids of the steps that wait for this one."""
        return self._children[step_id]

    @property
    def order(self) -> tuple[str, ...]:
        """Every step id, parents before children; steps of equal rank as they were declared."""
        return tuple(self._nodes)

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """The steps without parents."""
        return tuple(node.id for node in self if not node.parents)

    @cached_property
    def sinks(self) -> tuple[str, ...]:
        """The steps without children, sorted by id."""
        return tuple(sorted(step_id for step_id, found in self._children.items() if not found))

    @cached_property
    def joins(self) -> tuple[str, ...]:
        """The steps with more than one parent."""
        return tuple(node.id for node in self if len(node.parents) > 1)

    @cached_property
    def levels(self) -> tuple[tuple[str, ...], ...]:
        """Steps by their longest distance from an entry; only pictures need it."""
        level: dict[str, int] = {}
        for node in self:
            level[node.id] = 1 + max((level[parent] for parent in node.parents), default=-1)
        rows: list[list[str]] = [[] for _ in range(1 + max(level.values(), default=-1))]
        for step_id, row in level.items():
            rows[row].append(step_id)
        return tuple(map(tuple, rows))

    @cached_property
    def fingerprint(self) -> str:
        """A SHA-256 over everything in the graph; equal graphs have equal fingerprints."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @cached_property
    def _json(self) -> Json:
        return pydantic_core.to_json([_node_data(node) for node in self]).decode()

    def to_json(self) -> Json:
        """Return the graph as JSON text; `from_json` reads it back."""
        return self._json

    @classmethod
    def from_json(cls, text: Json) -> ExecutionGraph:
        """Rebuild a graph from `to_json`; fields that a newer release wrote are ignored."""
        return cls(Node.model_validate(data) for data in pydantic_core.from_json(text))


def _node_data(node: Node) -> dict[str, Any]:
    # Exceptions to retry on are code, not data: they are read from the registered step. Sorted,
    # because `model_fields_set` is a set and the fingerprint must not depend on its order.
    config = node.config.model_dump(
        mode="json", exclude_unset=True, exclude={"retry_on", "no_retry_on"}
    )
    data = node.model_dump(mode="json", exclude_defaults=True, exclude={"config"})
    return {**data, "config": dict(sorted(config.items()))}


def _refuse_bad_references(nodes: tuple[Node, ...], by_id: Mapping[str, Node]) -> None:
    seen: set[str] = set()
    for node in nodes:
        if node.id in seen:
            msg = f"two steps have the id {node.id!r}; give one of them another id"
            raise DefinitionError(msg, step_id=node.id)
        seen.add(node.id)
        for parent in node.parents:
            if parent not in by_id:
                msg = f"step {node.id!r} comes after {parent!r}, which is not in the workflow"
                raise DefinitionError(msg, step_id=node.id, parent=parent)


def _topological(by_id: Mapping[str, Node]) -> tuple[str, ...]:
    sorter = TopologicalSorter({node.id: node.parents for node in by_id.values()})
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        # graphlib lists each node before the one that depends on it, first == last.
        path = " -> ".join(error.args[1])
        msg = f"the steps form a cycle: {path}"
        raise DefinitionError(msg, cycle=list(error.args[1])) from None
