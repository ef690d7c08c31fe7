"""Charts as geometry: numbers in, positions in a fixed drawing out. The template writes the SVG.

Positions are texts, so that no locale turns a point into a comma.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 14, 30
NAME_WIDTH, VALUE_WIDTH, ROW_HEIGHT = 160, 76, 26
WIDEST_BAR = 48.0
WANTED_TICKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    kind: str
    """CSS class."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    x: str
    y: str
    text: str
    anchor: str = "middle"
    line: bool = False
    """Whether a grid line goes from here across the plot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    id: str
    title: str
    description: str
    width: int
    height: int
    plot_right: int
    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """One bar from `low` to `high`; a thin one from `least` to `most` behind it if given."""

    name: str
    low: float
    high: float
    title: str
    least: float | None = None
    most: float | None = None


def column_chart(
    chart_id: str, *, title: str, description: str, kind: str, ranges: Sequence[Range]
) -> Chart:
    """Draw upright bars beside each other over one scale."""
    values = [value for r in ranges for value in (r.low, r.high, r.least, r.most)]
    ticks = nice_ticks([value for value in values if value is not None])
    bottom, top = HEIGHT - BOTTOM, TOP
    per_unit = (bottom - top) / (ticks[-1] - ticks[0])
    slot = (WIDTH - LEFT - RIGHT) / max(len(ranges), 1)

    def y_of(value: float) -> float:
        return bottom - (value - ticks[0]) * per_unit

    def bar(index: int, low: float, high: float, share: float, css: str) -> Bar:
        width = min(slot, WIDEST_BAR) * share
        return Bar(
            x=_at(LEFT + slot * index + (slot - width) / 2),
            y=_at(y_of(high)),
            width=_at(width),
            height=_at(max(y_of(low) - y_of(high), 1.0)),
            kind=css,
            title=ranges[index].title,
        )

    bars: list[Bar] = []
    for index, r in enumerate(ranges):
        if r.least is not None and r.most is not None:
            bars.append(bar(index, r.least, r.most, 0.12, f"{kind}-range"))
        bars.append(bar(index, r.low, r.high, 0.62, kind))
    names = [
        Label(x=_at(LEFT + slot * (index + 0.5)), y=_at(HEIGHT - 9), text=r.name)
        for index, r in enumerate(ranges)
    ]
    scale = [
        Label(
            x=str(LEFT - 6),
            y=_at(y_of(tick)),
            text=f"{tick:g}".replace("-", "\N{MINUS SIGN}"),
            anchor="end",
            line=True,
        )
        for tick in ticks
    ]
    return Chart(
        id=chart_id,
        title=title,
        description=description,
        width=WIDTH,
        height=HEIGHT,
        plot_right=WIDTH - RIGHT,
        bars=tuple(bars),
        labels=(*scale, *names),
    )


def row_chart(
    chart_id: str, *, title: str, description: str, rows: Iterable[tuple[str, float, str, str]]
) -> Chart:
    """Draw lying bars below each other, each with its name and value: (name, value, text, kind)."""
    found = list(rows)
    longest = max((value for _, value, _, _ in found), default=0) or 1
    room = WIDTH - NAME_WIDTH - VALUE_WIDTH
    bars, labels = [], []
    for index, (name, value, text, kind) in enumerate(found):
        y = TOP / 2 + index * ROW_HEIGHT
        length = max(value / longest * room, 1.0)
        middle = _at(y + ROW_HEIGHT / 2)
        bars.append(
            Bar(
                x=str(NAME_WIDTH),
                y=_at(y + 4),
                width=_at(length),
                height=_at(ROW_HEIGHT - 8),
                kind=kind,
                title=f"{name}: {text}",
            )
        )
        labels.append(Label(x=str(NAME_WIDTH - 8), y=middle, text=name, anchor="end"))
        labels.append(Label(x=_at(NAME_WIDTH + length + 6), y=middle, text=text, anchor="start"))
    return Chart(
        id=chart_id,
        title=title,
        description=description,
        width=WIDTH,
        height=TOP + ROW_HEIGHT * max(len(found), 1),
        plot_right=WIDTH - RIGHT,
        bars=tuple(bars),
        labels=tuple(labels),
    )


def nice_ticks(values: Sequence[float]) -> list[float]:
    """Return about five round numbers that span the values and zero; at least two."""
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    rough = (high - low) / WANTED_TICKS or 1.0
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(number * step, 10) for number in range(first, max(last, first + 1) + 1)]


def _at(position: float) -> str:
    return f"{position:.1f}"
