"""Collapsing: steps that stand alike in a graph become one node of its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gorkflow.definition.graph import ExecutionGraph
from gorkflow.diagrams.layering import ranks

Members = tuple[str, ...]


def whole(graph: ExecutionGraph) -> dict[str, Members]:
    """Return every step as a group of its own, by its id."""
    return {node.id: (node.id,) for node in graph}


def collapsed(graph: ExecutionGraph, *, alone: str = "") -> dict[str, Members]:
    """Return groups of parallel steps by the id of their first one, in topological order.

    Steps are parallel when they stand on one layer, and seen from them all that comes before and
    all that comes after looks the same: the branches of a fan-out, each of which may be a chain.
    The step `alone` is in no group with others.
    """
    before = _views(graph.order, {node.id: node.parents for node in graph})
    children = {step_id: graph.children(step_id) for step_id in graph.order}
    after = _views(tuple(reversed(graph.order)), children)
    layer = ranks({node.id: node.parents for node in graph})
    found: dict[tuple[object, ...], list[str]] = {}
    for node in graph:
        view = (layer[node.id], before[node.id], after[node.id], node.conditional)
        alike = (*view, node.id == alone)
        found.setdefault(alike, []).append(node.id)
    return {members[0]: tuple(members) for members in found.values()}


def parents_of(graph: ExecutionGraph, groups: Mapping[str, Members]) -> dict[str, list[str]]:
    """Return each group's parent groups, in topological order."""
    group_of = {step_id: key for key, members in groups.items() for step_id in members}
    layer = ranks({node.id: node.parents for node in graph})
    return {
        key: list(
            dict.fromkeys(
                group_of[parent] for step_id in groups[key] for parent in graph[step_id].parents
            )
        )
        for key in sorted(groups, key=layer.__getitem__)
    }


def _views(order: Sequence[str], beside: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Number what is seen from each step in one direction; equal numbers mean equal views."""
    numbers: dict[frozenset[int], int] = {}
    view: dict[str, int] = {}
    for step_id in order:
        seen = frozenset(view[each] for each in beside[step_id])
        view[step_id] = numbers.setdefault(seen, len(numbers))
    return view
