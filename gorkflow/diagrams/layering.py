"""Layered layout, first half: which layer each node is on, and in which order within it.

Layers by longest path; an edge over several layers gets a bend on each layer between; then
barycentre sweeps, of which the ordering with the fewest crossings is kept.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_BENDS = 20_000
"""Beyond so many, long edges are drawn without bends."""
SWEEPS = 4
"""More gain next to nothing, and sometimes lose."""

Bend = tuple[str, int]
"""The bend of a step's long outgoing edges on a layer; they share it."""
Node = str | Bend


@dataclass(frozen=True, slots=True)
class Layering:
    """Nodes and bends in layers, in order."""

    layers: tuple[tuple[Node, ...], ...]
    above: Mapping[Node, tuple[Node, ...]]
    """The neighbours on the layer before."""
    below: Mapping[Node, tuple[Node, ...]]
    bends: frozenset[Bend]


def ranks(parents: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return each node's longest distance from an entry. Parents come before their children."""
    found: dict[str, int] = {}
    for node, before in parents.items():
        found[node] = 1 + max((found[parent] for parent in before), default=-1)
    return found


def layer(parents: Mapping[str, Sequence[str]]) -> Layering:
    """Return the layers of a graph that is given in topological order."""
    rank = ranks(parents)
    layers: list[list[Node]] = [[] for _ in range(1 + max(rank.values(), default=-1))]
    bends = _bends(parents, rank)
    for node in parents:
        layers[rank[node]].append(node)
    for bend in sorted(bends):
        layers[bend[1]].append(bend)
    above: dict[Node, list[Node]] = {}
    for node, before in parents.items():
        above[node] = [_last(parent, rank, rank[node], bends) for parent in before]
    for bend in bends:
        above[bend] = [_last(bend[0], rank, bend[1], bends)]
    below: dict[Node, list[Node]] = {each: [] for each in above}
    for each, neighbours in above.items():
        for parent in neighbours:
            below[parent].append(each)
    first = Layering(tuple(map(tuple, layers)), _frozen(above), _frozen(below), frozenset(bends))
    return _untangled(first)


def crossings(found: Layering) -> int:
    """Return how many pairs of edges cross between neighbouring layers."""
    total = 0
    for upper, lower in pairwise(found.layers):
        place = {node: index for index, node in enumerate(lower)}
        seen: list[int] = []
        for node in upper:
            ends = sorted(place[child] for child in found.below[node] if child in place)
            total += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _bends(parents: Mapping[str, Sequence[str]], rank: Mapping[str, int]) -> set[Bend]:
    reach: dict[str, int] = {}
    for node, before in parents.items():
        for parent in before:
            reach[parent] = max(reach.get(parent, 0), rank[node])
    if sum(end - rank[node] - 1 for node, end in reach.items()) > MAX_BENDS:
        return set()
    return {(node, each) for node, end in reach.items() for each in range(rank[node] + 1, end)}


def _last(node: str, rank: Mapping[str, int], before: int, bends: set[Bend]) -> Node:
    """Return what stands for the node on the layer before `before`."""
    bend = (node, before - 1)
    return bend if bend in bends and rank[node] < before - 1 else node


def _frozen(neighbours: Mapping[Node, list[Node]]) -> dict[Node, tuple[Node, ...]]:
    return {node: tuple(found) for node, found in neighbours.items()}


def _untangled(found: Layering) -> Layering:
    best, fewest = found, crossings(found)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        found = _swept(found, downwards=sweep % 2 == 0)
        count = crossings(found)
        if count < fewest:
            best, fewest = found, count
    return best


def _swept(found: Layering, *, downwards: bool) -> Layering:
    layers = list(found.layers)
    neighbours = found.above if downwards else found.below
    order = range(1, len(layers)) if downwards else range(len(layers) - 2, -1, -1)
    for index in order:
        beside = layers[index - 1 if downwards else index + 1]
        place = {node: float(at) for at, node in enumerate(beside)}
        own = {node: float(at) for at, node in enumerate(layers[index])}
        wish = {node: _mean(neighbours[node], place, own[node]) for node in own}
        layers[index] = tuple(sorted(layers[index], key=wish.__getitem__))
    return Layering(tuple(layers), found.above, found.below, found.bends)


def _mean(neighbours: Sequence[Node], place: Mapping[Node, float], otherwise: float) -> float:
    known = [place[node] for node in neighbours if node in place]
    return sum(known) / len(known) if known else otherwise
