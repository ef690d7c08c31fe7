"""A picture of a graph as SVG, with the statuses of a run, if there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from gorkflow.diagrams.icons import icon_paths
from gorkflow.diagrams.markup import Markup, element, join, shorten
from gorkflow.diagrams.picture import BOX_HEIGHT, BOX_WIDTH, Box, Picture, Point, Wire

NAME_COLUMNS = 19
NOTE_COLUMNS = 26
DONE = {"COMPLETED", "SKIPPED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is written on a box. Any text will do: it is escaped and shortened here."""

    name: str
    status: str = ""
    """A StepStatus; "" in a picture of a workflow without a run."""
    note: str = ""
    """The second line: the status as a word, the attempt."""
    title: str = ""
    """The whole of it, for pointers and screen readers."""
    href: str = ""
    key: str = ""
    """The element's id on the page, so that it can be brought up to date."""
    step: str = ""
    """The step's id, for programs on the page."""
    progress: float = 0.0
    """0.0 to 1.0, while it runs."""


def graph_svg(picture: Picture, mark: Callable[[Box], Mark], *, label: str) -> Markup:
    """Return the picture as an SVG element.

    Args:
        picture: from `picture_of`.
        mark: what is written on each box.
        label: what the picture is, for screen readers.

    """
    marks = {key: mark(box) for key, box in picture.boxes.items()}
    return element(
        "svg",
        _arrow(),
        element("g", *(_wire(wire, picture, marks) for wire in picture.wires)),
        *(_box(box, marks[key]) for key, box in picture.boxes.items()),
        class_="gorkflow-graph gorkflow-fits" if picture.fits else "gorkflow-graph",
        viewBox=f"0 0 {picture.width:.0f} {picture.height:.0f}",
        width=f"{picture.width:.0f}",
        height=f"{picture.height:.0f}",
        role="group",
        aria_label=label,
    )


def _arrow() -> Markup:
    return element(
        "defs",
        element(
            "marker",
            element("path", d="M0 0L7 3.5L0 7z"),
            id="gorkflow-arrow",
            class_="gorkflow-arrow",
            viewBox="0 0 7 7",
            refX=7,
            refY=3.5,
            markerWidth=7,
            markerHeight=7,
            orient="auto",
            markerUnits="userSpaceOnUse",
        ),
    )


def _wire(wire: Wire, picture: Picture, marks: dict[str, Mark]) -> Markup:
    kinds = ["gorkflow-wire"]
    if picture.boxes[wire.target].conditional:
        kinds.append("gorkflow-conditional")
    if marks[wire.target].status == "SKIPPED":
        kinds.append("gorkflow-untaken")
    elif marks[wire.source].status in DONE and marks[wire.target].status not in {"", "PENDING"}:
        kinds.append("gorkflow-taken")
    return element(
        "path",
        d=_curve(wire.points, downwards=picture.downwards),
        class_=" ".join(kinds),
        marker_end="url(#gorkflow-arrow)",
    )


def _curve(points: tuple[Point, ...], *, downwards: bool) -> str:
    """Return a path that leaves and reaches each pair of points in the picture's direction."""
    drawn = [f"M{_xy(points[0])}"]
    for one, other in pairwise(points):
        if downwards:
            half = (one[1] + other[1]) / 2
            first, second = (one[0], half), (other[0], half)
        else:
            half = (one[0] + other[0]) / 2
            first, second = (half, one[1]), (half, other[1])
        straight = one[0] == other[0] or one[1] == other[1]
        drawn.append(f"L{_xy(other)}" if straight else f"C{_xy(first)} {_xy(second)} {_xy(other)}")
    return "".join(drawn)


def _xy(point: Point) -> str:
    return ",".join(f"{number:.1f}".removesuffix(".0") for number in point)


def _box(box: Box, mark: Mark) -> Markup:
    stacked = len(box.members) > 1
    kinds = ["gorkflow-node", f"gorkflow-{mark.status.lower()}" if mark.status else ""]
    inside = [
        element("title", mark.title or mark.name),
        # Behind it, so that it looks like a pile.
        _frame(box, "gorkflow-pile", 4.0) if stacked else Markup(""),
        _frame(box, "gorkflow-box"),
        _condition(box) if box.conditional else Markup(""),
        *_words(box, mark),
        _progress(box, mark),
    ]
    return element(
        "a" if mark.href else "g",
        *inside,
        id=mark.key,
        class_=" ".join(filter(None, kinds)),
        href=mark.href,
        data_gorkflow_step=mark.step,
    )


def _frame(box: Box, kind: str, shift: float = 0.0) -> Markup:
    return element(
        "rect",
        x=box.x + shift,
        y=box.y + shift,
        width=BOX_WIDTH,
        height=BOX_HEIGHT,
        rx=7,
        class_=kind,
    )


def _condition(box: Box) -> Markup:
    x, y, size = box.x + BOX_WIDTH - 14, box.y + 12, 5.0
    corners = f"M{x:.1f} {y - size:.1f}l5 5l-5 5l-5 -5z"
    return element("path", d=corners, class_="gorkflow-diamond")


def _words(box: Box, mark: Mark) -> list[Markup]:
    left = box.x + (34 if mark.status else 14)
    middle = box.y + BOX_HEIGHT / 2
    name_at = middle - 3 if mark.note else middle + 4.5
    words = [
        element("text", shorten(mark.name, NAME_COLUMNS), x=left, y=name_at, class_="gorkflow-name")
    ]
    if mark.note:
        note = shorten(mark.note, NOTE_COLUMNS)
        words.append(element("text", note, x=left, y=middle + 14, class_="gorkflow-detail"))
    if mark.status:
        at = f"translate({box.x + 10:.1f} {middle - 8:.1f})"
        words.append(element("g", icon_paths(mark.status), class_="gorkflow-icon", transform=at))
    return words


def _progress(box: Box, mark: Mark) -> Markup:
    if not mark.progress:
        return Markup("")
    return join(
        element(
            "rect",
            x=box.x + 8,
            y=box.y + BOX_HEIGHT - 6,
            width=max((BOX_WIDTH - 16) * share, 1.0),
            height=3,
            rx=1.5,
            class_=kind,
        )
        for share, kind in ((1.0, "gorkflow-track"), (min(mark.progress, 1.0), "gorkflow-bar"))
    )
