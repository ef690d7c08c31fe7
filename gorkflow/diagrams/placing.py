"""Layered layout, second half: where on its layer each node stands.

Every node is drawn to the middle of its neighbours. What a layer then looks like is the nearest
arrangement, in least squares, that keeps the order and the distances: an isotonic regression,
which pooling neighbours that press against each other solves exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gorkflow.diagrams.layering import Layering, Node

PASSES = 6
BEND_SIZE = 0.4
"""How much room a bend takes on its layer; a node takes 1."""


def place(layering: Layering) -> dict[Node, float]:
    """Return the middle of each node and bend along its layer, in nodes, from 0.5."""
    size: dict[Node, float] = dict.fromkeys(layering.bends, BEND_SIZE)
    at: dict[Node, float] = {}
    for layer in layering.layers:
        at.update(_packed(layer, size))
    for step in range(PASSES):
        downwards = step % 2 == 0
        beside = layering.above if downwards else layering.below
        for layer in layering.layers if downwards else reversed(layering.layers):
            wishes = [_middle(beside[node], at, at[node]) for node in layer]
            at.update(zip(layer, arrange(wishes, _sizes(layer, size)), strict=True))
    least = min((at[node] - _sizes([node], size)[0] / 2 for node in at), default=0.0)
    return {node: found - least for node, found in at.items()}


def arrange(wishes: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Return places as near to the wishes as order and sizes allow."""
    offsets, so_far = [], 0.0
    for index, size in enumerate(sizes):
        so_far += (sizes[index - 1] + size) / 2 if index else 0.0
        offsets.append(so_far)
    pools: list[tuple[float, int]] = []
    for wish, offset in zip(wishes, offsets, strict=True):
        pools.append((wish - offset, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (one, weight), (other, more) = pools[-2:]
            pools[-2:] = [((one * weight + other * more) / (weight + more), weight + more)]
    level = [value for value, weight in pools for _ in range(weight)]
    return [value + offset for value, offset in zip(level, offsets, strict=True)]


def _packed(layer: Sequence[Node], size: Mapping[Node, float]) -> dict[Node, float]:
    sizes = _sizes(layer, size)
    middle = sum(sizes) / 2
    return dict(zip(layer, arrange([-middle] * len(layer), sizes), strict=True))


def _sizes(layer: Sequence[Node], size: Mapping[Node, float]) -> list[float]:
    return [size.get(node, 1.0) for node in layer]


def _middle(neighbours: Sequence[Node], at: Mapping[Node, float], otherwise: float) -> float:
    if not neighbours:
        return otherwise
    found = sorted(at[node] for node in neighbours)
    half = len(found) // 2
    return found[half] if len(found) % 2 else (found[half - 1] + found[half]) / 2
