"""A timeline as SVG."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gorkflow.diagrams.graph_svg import Mark
from gorkflow.diagrams.icons import icon_paths
from gorkflow.diagrams.markup import Markup, element, join, shorten
from gorkflow.diagrams.timeline import (
    AXIS_HEIGHT,
    BAR_HEIGHT,
    LABEL_WIDTH,
    ROW_HEIGHT,
    Bar,
    Row,
    Timeline,
)

LABEL_COLUMNS = 19


def timeline_svg(
    timeline: Timeline,
    mark: Callable[[Row], Mark],
    bar_title: Callable[[Row, Bar], str],
    *,
    label: str,
) -> Markup:
    """Return the timeline as an SVG element.

    Args:
        timeline: from `timeline_of`.
        mark: what is written before each row.
        bar_title: what a bar is, for pointers and screen readers.
        label: what the picture is.

    """
    return element(
        "svg",
        _hatching(),
        _axis(timeline),
        *(_row(row, mark(row), bar_title) for row in timeline.rows),
        _now(timeline),
        class_="gorkflow-timeline",
        viewBox=f"0 0 {timeline.width:.0f} {timeline.height:.0f}",
        width=f"{timeline.width:.0f}",
        height=f"{timeline.height:.0f}",
        role="group",
        aria_label=label,
    )


def tick_text(passed: timedelta) -> str:
    """Return a distance from the beginning as "250 ms", "1.5 s", "2:05", "1:02:05" or "3 d"."""
    seconds = passed.total_seconds()
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours}:{minutes:02d}:{rest:02d}" if hours or days else f"{minutes}:{rest:02d}"
    return f"{days} d {clock}" if days else clock


def _hatching() -> Markup:
    stripe = element("path", d="M0 6L6 0", class_="gorkflow-hatch")
    return element(
        "defs",
        element(
            "pattern",
            stripe,
            id="gorkflow-hatching",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
        ),
    )


def _axis(timeline: Timeline) -> Markup:
    parts: list[Markup] = []
    for x, passed in timeline.ticks:
        line = f"M{x:.1f} {AXIS_HEIGHT - 4:.0f}V{timeline.height:.0f}"
        parts += [
            element("path", d=line, class_="gorkflow-grid"),
            element("text", tick_text(passed), x=x, y=AXIS_HEIGHT - 9, class_="gorkflow-tick"),
        ]
    for cut in timeline.cuts:
        left = LABEL_WIDTH + cut.x
        parts += [
            element(
                "rect",
                element("title", tick_text(cut.end - cut.begin)),
                x=left,
                y=AXIS_HEIGHT - 4,
                width=cut.width,
                height=timeline.height - AXIS_HEIGHT + 4,
                class_="gorkflow-cut",
            ),
            element(
                "text",
                "\N{MIDLINE HORIZONTAL ELLIPSIS}",
                x=left + cut.width / 2,
                y=AXIS_HEIGHT - 9,
                class_="gorkflow-tick gorkflow-centred",
            ),
        ]
    return element("g", *parts, aria_hidden="true")


def _row(row: Row, mark: Mark, bar_title: Callable[[Row, Bar], str]) -> Markup:
    middle = row.y + ROW_HEIGHT / 2
    name = shorten(mark.name, LABEL_COLUMNS)
    icon = element(
        "g",
        icon_paths(mark.status),
        class_="gorkflow-icon",
        transform=f"translate(4 {middle - 7:.1f}) scale(.875)",
    )
    label = element("text", name, x=26, y=middle + 4, class_="gorkflow-name")
    link = element(
        "a" if mark.href else "g",
        element("title", mark.title or mark.name),
        icon,
        label,
        href=mark.href,
        data_gorkflow_step=mark.step,
        class_="gorkflow-label",
    )
    bars = [_bar(row, bar, bar_title(row, bar)) for bar in row.bars]
    return element(
        "g", link, *bars, id=mark.key, class_=f"gorkflow-row gorkflow-{mark.status.lower()}"
    )


def _bar(row: Row, bar: Bar, title: str) -> Markup:
    top = row.y + (ROW_HEIGHT - BAR_HEIGHT) / 2
    place = {"x": bar.x, "y": top, "width": bar.width, "height": BAR_HEIGHT}
    said = element("title", title)
    if not bar.status:
        return element(
            "rect", said, **place, fill="url(#gorkflow-hatching)", class_="gorkflow-queued"
        )
    kind = f"gorkflow-{bar.status.lower()}"
    return element("rect", said, **place, rx=3, class_=f"gorkflow-attempt-bar {kind}")


def _now(timeline: Timeline) -> Markup:
    if timeline.now is None:
        return join(())
    line = f"M{timeline.now:.1f} {AXIS_HEIGHT - 4:.0f}V{timeline.height:.0f}"
    return element("path", d=line, class_="gorkflow-now")
