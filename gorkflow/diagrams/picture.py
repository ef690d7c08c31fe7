"""The geometry of a graph: boxes and wires in pixels. No status moves any of them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gorkflow.definition.graph import ExecutionGraph
from gorkflow.diagrams import groups
from gorkflow.diagrams.layering import Layering, Node, layer
from gorkflow.diagrams.placing import place

MAX_WHOLE = 300
"""Steps that are drawn one by one."""
MAX_STEPS = 2000
"""Steps that are drawn at all, parallel ones together."""

BOX_WIDTH, BOX_HEIGHT = 180.0, 48.0
LAYER_GAP, BOX_GAP = 40.0, 16.0
MARGIN = 8.0
FITTING_WIDTH = 1060.0
"""Up to which a picture goes from left to right."""

MAX_KEPT = 128

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A step, or several that stand alike."""

    members: tuple[str, ...]
    x: float
    y: float
    conditional: bool
    """Whether it may be skipped."""


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge between two boxes, as points to go through; it never goes back."""

    source: str
    target: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole graph. Boxes go by their first member's id."""

    boxes: Mapping[str, Box]
    wires: Sequence[Wire]
    width: float
    height: float
    downwards: bool
    """Whether it goes from top to bottom, not from left to right."""

    @property
    def fits(self) -> bool:
        """Whether a page that is not quite wide enough may shrink it."""
        return self.width <= FITTING_WIDTH + 2 * MARGIN


class _Pictures:
    """The pictures of this process, by the definition's fingerprint."""

    def __init__(self) -> None:
        self._known: dict[str, Picture] = {}
        self._lock = threading.Lock()

    def get(self, graph: ExecutionGraph) -> Picture:
        """Return the graph's picture, drawn at the first call."""
        found = self._known.get(graph.fingerprint)
        if found is None:
            found = draw(graph)
            with self._lock:
                if len(self._known) >= MAX_KEPT:
                    self._known.clear()
                self._known[graph.fingerprint] = found
        return found


_pictures = _Pictures()


def picture_of(graph: ExecutionGraph) -> Picture | None:
    """Return the graph's picture, or None where it has more than MAX_STEPS steps."""
    return None if len(graph) > MAX_STEPS else _pictures.get(graph)


def draw(graph: ExecutionGraph) -> Picture:
    """Lay a graph out."""
    return draw_groups(
        graph, groups.whole(graph) if len(graph) <= MAX_WHOLE else groups.collapsed(graph)
    )


def draw_groups(graph: ExecutionGraph, members: Mapping[str, groups.Members]) -> Picture:
    """Lay a graph out with one box for each group of steps."""
    parents = groups.parents_of(graph, members)
    layering = layer(parents)
    at = place(layering)
    depth, breadth = len(layering.layers), max(at.values(), default=0.0) + 0.5
    downwards = _goes_down(depth, breadth)
    frame = _Frame(layering, at, downwards=downwards)
    return Picture(
        boxes={
            key: Box(found, *frame.corner(key), conditional=graph[key].conditional)
            for key, found in members.items()
        },
        wires=[
            Wire(source, target, frame.way(source, target))
            for target, before in parents.items()
            for source in before
        ],
        width=2 * MARGIN + (_across(breadth) if downwards else _along(depth, BOX_WIDTH)),
        height=2 * MARGIN + (_along(depth, BOX_HEIGHT) if downwards else _down(breadth)),
        downwards=downwards,
    )


def _goes_down(depth: int, breadth: float) -> bool:
    """Left to right as long as that fits the page, then top to bottom if that does."""
    fits_along = _along(depth, BOX_WIDTH) <= FITTING_WIDTH
    return not fits_along and _across(breadth) <= FITTING_WIDTH


def _along(layers: int, size: float) -> float:
    return max(layers * (size + LAYER_GAP) - LAYER_GAP, 0.0)


def _across(breadth: float) -> float:
    return max(breadth * (BOX_WIDTH + BOX_GAP) - BOX_GAP, 0.0)


def _down(breadth: float) -> float:
    return max(breadth * (BOX_HEIGHT + BOX_GAP) - BOX_GAP, 0.0)


class _Frame:
    """From layers and places to pixels."""

    def __init__(self, layering: Layering, at: Mapping[Node, float], *, downwards: bool) -> None:
        self._layering = layering
        self._at = at
        self._layer = {node: index for index, nodes in enumerate(layering.layers) for node in nodes}
        self._downwards = downwards
        self._long, self._broad = (BOX_HEIGHT, BOX_WIDTH) if downwards else (BOX_WIDTH, BOX_HEIGHT)

    def corner(self, node: Node) -> Point:
        """Return the upper left corner of a box."""
        middle = self._middle(node)
        return self._point(self._begin(node), middle - self._broad / 2)

    def way(self, source: str, target: str) -> tuple[Point, ...]:
        """Return the points from the end of one box to the beginning of another."""
        points = [self._point(self._begin(source) + self._long, self._middle(source))]
        for layer_index in range(self._layer[source] + 1, self._layer[target]):
            bend = (source, layer_index)
            if bend in self._layering.bends:
                begin, middle = self._begin(bend), self._middle(bend)
                points += [self._point(begin, middle), self._point(begin + self._long, middle)]
        return (*points, self._point(self._begin(target), self._middle(target)))

    def _begin(self, node: Node) -> float:
        return MARGIN + self._layer[node] * (self._long + LAYER_GAP)

    def _middle(self, node: Node) -> float:
        return MARGIN + self._at[node] * (self._broad + BOX_GAP) - BOX_GAP / 2

    def _point(self, along: float, across: float) -> Point:
        return (across, along) if self._downwards else (along, across)
