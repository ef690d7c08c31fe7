"""A bar chart as one SVG file that follows the reader's light or dark theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.figures import Figure, Samples, Spread

WIDTH = 760
LABEL = 236
BAR_SPACE = 440
ROW = 22
BAR = 14
GROUP_GAP = 30
HEAD = 52

# One hue for ours, a quiet one for the others: the eye compares lengths, not colours.
STYLE = """
text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.head { font-weight: 600; font-size: 15px } .group { font-weight: 600 } .quiet { fill: #59636e }
.ours { fill: #0a7d5a } .peer { fill: #afb8c1 } .range { stroke: #1f2328; stroke-opacity: .55 }
.strong { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .quiet { fill: #9198a1 } .ours { fill: #3fb68b } .peer { fill: #57606a }
  .range { stroke: #e6edf3 }
}"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: who, and how much."""

    label: str
    spread: Spread
    ours: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Bars that share a scale."""

    title: str
    bars: Sequence[Bar]


# The comparisons that users ask about: title, workload, systems from top to bottom.
SHOWN = (
    ("10-step chain, one run at a time", "chain", ("ours-redis", "celery-redis", "dbos")),
    ("200 ten-step runs at once", "many", ("ours-redis", "celery-redis", "dbos-two")),
    ("1 → 100 → 1", "fanout", ("ours-redis", "celery-redis", "dbos")),
    ("1 000 steps in parallel", "wide", ("ours-redis", "celery-redis", "dbos")),
    ("1 000 steps in sequence", "long", ("ours-redis", "celery-redis", "dbos")),
    ("10-step chain in process", "chain", ("ours-direct", "dbos")),
    ("10-step chain in process, SQLite", "chain", ("ours-direct-sqlite", "dbos-sqlite")),
)
LABELS = {
    "ours-redis": "gorkflow, PostgreSQL + Redis",
    "ours-direct": "gorkflow, PostgreSQL",
    "ours-direct-sqlite": "gorkflow, SQLite",
    "celery-redis": "Celery canvas, Redis",
    "dbos": "DBOS, PostgreSQL",
    "dbos-two": "DBOS, two processes",
    "dbos-sqlite": "DBOS, SQLite",
}


def groups_of(samples: Samples) -> list[Group]:
    """Return what was measured of what is shown."""
    found = []
    for title, workload, systems in SHOWN:
        spreads = {name: samples.spread(Figure(name, workload)) for name in systems}
        bars = [
            Bar(LABELS[name], spread, name.startswith("ours"))
            for name, spread in spreads.items()
            if spread is not None
        ]
        if bars:
            found.append(Group(title, bars))
    return found


def draw(groups: Sequence[Group], note: str) -> str:
    """Return an SVG document: bars of steps per second, with the range over the rounds."""
    parts: list[str] = []
    top = HEAD
    for group in groups:
        parts.append(f'<text class="group" x="16" y="{top + 12}">{escape(group.title)}</text>')
        top += ROW
        largest = max(bar.spread.high for bar in group.bars)
        for bar in group.bars:
            parts.append(_bar(bar, top, largest))
            top += ROW
        top += GROUP_GAP - ROW
    height = top + 28
    head = "Steps per second; longer is better"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{head}">',
        f"<title>{head}</title>",
        f"<style>{STYLE}</style>",
        f'<text class="head" x="16" y="28">{head}</text>',
        *parts,
        f'<text class="quiet" x="16" y="{height - 14}">{escape(note)}</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bar(bar: Bar, top: int, largest: float) -> str:
    scale = BAR_SPACE / largest if largest else 0.0
    median, low, high = (
        LABEL + value * scale for value in (bar.spread.median, bar.spread.low, bar.spread.high)
    )
    kind = "ours" if bar.ours else "peer"
    weight = ' class="strong"' if bar.ours else ""
    place = f'x="{LABEL - 8}" y="{top + 11}" text-anchor="end"'
    box = f'x="{LABEL}" y="{top}" width="{median - LABEL:.1f}" height="{BAR}" rx="2"'
    bits = [f"<text {place}{weight}>{escape(bar.label)}</text>", f'<rect class="{kind}" {box}/>']
    if bar.spread.low != bar.spread.high:
        ends = f'x1="{low:.1f}" x2="{high:.1f}" y1="{top + BAR / 2}" y2="{top + BAR / 2}"'
        bits.append(f'<line class="range" {ends}/>')
    value = f'x="{high + 8:.1f}" y="{top + 11}"{weight}'
    bits.append(f"<text {value}>{bar.spread.median:,.0f}</text>")
    return "".join(bits)
