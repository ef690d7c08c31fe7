"""What is around one step, of a graph that is too large to be drawn whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gorkflow.definition.graph import ExecutionGraph
from gorkflow.diagrams.groups import collapsed
from gorkflow.diagrams.picture import Picture, draw_groups

REACH = 2
"""Edges before and after the step that are followed."""
MAX_BOXES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """A picture of a part of a graph, parallel steps together."""

    picture: Picture
    left_out: int
    """Steps within reach for which there was no room."""


def neighbourhood(graph: ExecutionGraph, step_id: str) -> Neighbourhood:
    """Return what leads to a step, what waits for it and what stands beside it.

    The step itself is never in a pile.
    """
    before = _reached(step_id, lambda each: graph[each].parents)
    after = _reached(step_id, graph.children)
    beside = [
        *(child for each in graph[step_id].parents for child in graph.children(each)),
        *(parent for each in graph.children(step_id) for parent in graph[each].parents),
    ]
    distance = {**dict.fromkeys(beside, REACH), **before, **after, step_id: 0}
    part = _part(graph, distance)
    members = collapsed(part, alone=step_id)
    nearest = sorted(members, key=lambda key: min(distance[each] for each in members[key]))
    kept = {each for key in nearest[:MAX_BOXES] for each in members[key]}
    if len(kept) < len(part):
        part = _part(graph, kept)
        members = {key: members[key] for key in members if key in kept}
    picture = draw_groups(part, members)
    return Neighbourhood(picture=picture, left_out=len(distance) - len(kept))


def _reached(step_id: str, beside: Callable[[str], Iterable[str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    edge = {step_id}
    for distance in range(1, REACH + 1):
        edge = {each for one in edge for each in beside(one)} - found.keys()
        found |= dict.fromkeys(edge, distance)
    return found


def _part(graph: ExecutionGraph, kept: Iterable[str]) -> ExecutionGraph:
    inside = set(kept)
    return ExecutionGraph(
        node.model_copy(update={"parents": tuple(each for each in node.parents if each in inside)})
        for node in graph
        if node.id in inside
    )
