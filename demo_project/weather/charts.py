"""Charts as geometry: numbers in, positions in a fixed drawing out. The template writes the SVG.

Positions are texts, so that no locale turns a point into a comma.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 14, 30
NAME_WIDTH, VALUE_WIDTH, ROW_HEIGHT = 160, 76, 26
WIDEST_BAR, THINNEST = 48.0, 1.0
WANTED_TICKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    kind: str
    """CSS class."""
    title: str = ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One lying bar."""

    name: str
    value: float
    text: str
    """The value as it is written beside the bar."""
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where columns stand and how values become heights."""

    ticks: Sequence[float]
    slot: float
    """Width of one column with the room around it."""

    @classmethod
    def of(cls, ranges: Sequence[Range]) -> _Columns:
        values = [value for r in ranges for value in (r.low, r.high, r.least, r.most)]
        return cls(
            ticks=nice_ticks([value for value in values if value is not None]),
            slot=(WIDTH - LEFT - RIGHT) / max(len(ranges), 1),
        )

    def y_of(self, value: float) -> float:
        first, last = self.ticks[0], self.ticks[-1]
        return TOP + (last - value) / (last - first) * (HEIGHT - BOTTOM - TOP)

    def middle_of(self, index: int) -> float:
        return LEFT + self.slot * (index + 0.5)

    def bar(self, index: int, low: float, high: float, *, share: float, kind: str) -> Bar:
        width = min(self.slot, WIDEST_BAR) * share
        top = self.y_of(high)
        return Bar(
            x=_at(self.middle_of(index) - width / 2),
            y=_at(top),
            width=_at(width),
            height=_at(max(self.y_of(low) - top, THINNEST)),
            kind=kind,
        )


def column_chart(
    chart_id: str, *, title: str, description: str, kind: str, ranges: Sequence[Range]
) -> Chart:
    """Draw upright bars beside each other over one scale."""
    columns = _Columns.of(ranges)
    bars: list[Bar] = []
    for index, r in enumerate(ranges):
        if r.least is not None and r.most is not None:
            thin = columns.bar(index, r.least, r.most, share=0.12, kind=f"{kind}-range")
            bars.append(replace(thin, title=r.title))
        wide = columns.bar(index, r.low, r.high, share=0.62, kind=kind)
        bars.append(replace(wide, title=r.title))
    return Chart(
        id=chart_id,
        title=title,
        description=description,
        width=WIDTH,
        height=HEIGHT,
        plot_right=WIDTH - RIGHT,
        bars=tuple(bars),
        labels=(*_scale(columns), *_names(columns, ranges)),
    )


def _scale(columns: _Columns) -> Iterator[Label]:
    for tick in columns.ticks:
        text = f"{tick:g}".replace("-", "\N{MINUS SIGN}")
        y = _at(columns.y_of(tick))
        yield Label(x=str(LEFT - 6), y=y, text=text, anchor="end", line=True)


def _names(columns: _Columns, ranges: Sequence[Range]) -> Iterator[Label]:
    for index, r in enumerate(ranges):
        yield Label(x=_at(columns.middle_of(index)), y=_at(HEIGHT - 9), text=r.name)


def row_chart(chart_id: str, *, title: str, description: str, rows: Sequence[Row]) -> Chart:
    """Draw lying bars below each other, each between its name and its value."""
    longest = max((row.value for row in rows), default=0) or 1
    bars: list[Bar] = []
    labels: list[Label] = []
    for index, row in enumerate(rows):
        bar = _lying_bar(index, row, longest)
        middle = _at(float(bar.y) + float(bar.height) / 2)
        end = _at(NAME_WIDTH + float(bar.width) + 6)
        bars.append(bar)
        labels.append(Label(x=str(NAME_WIDTH - 8), y=middle, text=row.name, anchor="end"))
        labels.append(Label(x=end, y=middle, text=row.text, anchor="start"))
    return Chart(
        id=chart_id,
        title=title,
        description=description,
        width=WIDTH,
        height=TOP + ROW_HEIGHT * max(len(rows), 1),
        plot_right=WIDTH - RIGHT,
        bars=tuple(bars),
        labels=tuple(labels),
    )


def _lying_bar(index: int, row: Row, longest: float) -> Bar:
    room = WIDTH - NAME_WIDTH - VALUE_WIDTH
    return Bar(
        x=str(NAME_WIDTH),
        y=_at(TOP / 2 + index * ROW_HEIGHT + 4),
        width=_at(max(row.value / longest * room, THINNEST)),
        height=_at(ROW_HEIGHT - 8),
        kind=row.kind,
        title=f"{row.name}: {row.text}",
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
