"""Small bar charts: amounts by status, one bar for each moment or run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gorkflow.diagrams.markup import Markup, element, join

GAP = 2.0
LABEL_HEIGHT = 18.0
LEAST = 2.0
WIDE = 600.0
SCALE_WIDTH = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, from the bottom up."""

    parts: Mapping[str, float]
    """Amounts by status, in the order in which they are stacked."""
    title: str
    """All of it in words."""
    href: str = ""
    label: str = ""
    """What is written below it."""


def bars_svg(
    bars: Sequence[Bar],
    *,
    label: str,
    width: float = 720.0,
    height: float = 120.0,
    scale: bool = False,
) -> Markup:
    """Return the chart as an SVG element.

    Args:
        bars: from left to right.
        label: what the chart is, for screen readers.
        width: pixels.
        height: pixels, without the labels.
        scale: whether the largest amount is written beside a line at its height.

    """
    most = max((sum(bar.parts.values()) for bar in bars), default=0.0) or 1.0
    has_labels = any(bar.label for bar in bars)
    full = height + (LABEL_HEIGHT if has_labels else 0.0)
    left = SCALE_WIDTH if scale else 0.0
    pitch = (width - left) / max(len(bars), 1)
    line = element("path", d=f"M{left:.1f} {height:.1f}H{width:.1f}", class_="gorkflow-grid")
    return element(
        "svg",
        line,
        _scale(most, width) if scale else Markup(""),
        *(_bar(bar, left + index * pitch, pitch, most, height) for index, bar in enumerate(bars)),
        # Wide ones may be stretched to the page.
        class_="gorkflow-bars gorkflow-wide" if width > WIDE else "gorkflow-bars",
        viewBox=f"0 0 {width:.0f} {full:.0f}",
        width=f"{width:.0f}",
        height=f"{full:.0f}",
        role="group",
        aria_label=label,
    )


def span_svg(half: float, most: float, *, width: float = 160.0) -> Markup:
    """Return a line up to the median and a fainter one up to nearly all.

    Args:
        half: where the median is, 0 to 1.
        most: where nearly all are.
        width: pixels.

    """
    return element(
        "svg",
        *(
            element("rect", x=0, y=3, width=max(width * share, 1.0), height=8, rx=2, class_=kind)
            for share, kind in (
                (1.0, "gorkflow-track"),
                (most, "gorkflow-most"),
                (half, "gorkflow-half"),
            )
        ),
        class_="gorkflow-span",
        viewBox=f"0 0 {width:.0f} 14",
        width=f"{width:.0f}",
        height=14,
        aria_hidden="true",
    )


def _scale(most: float, width: float) -> Markup:
    at = element("path", d=f"M{SCALE_WIDTH:.1f} {LEAST / 2}H{width:.1f}", class_="gorkflow-grid")
    return join((at, element("text", f"{most:,.0f}", x=0, y=LEAST / 2 + 9, class_="gorkflow-tick")))


def _bar(bar: Bar, x: float, pitch: float, most: float, height: float) -> Markup:
    if not bar.parts and not bar.title:
        return Markup("")
    inside = [
        element("title", bar.title),
        # So that a short bar can be pointed at too.
        element("rect", x=x, y=0, width=pitch, height=height, class_="gorkflow-target"),
    ]
    y = height
    for status, amount in bar.parts.items():
        if amount <= 0:
            continue
        length = max(amount / most * (height - LEAST), LEAST)
        y -= length
        inside.append(
            element(
                "rect",
                x=x + GAP / 2,
                y=max(y, 0.0),
                width=max(pitch - GAP, 1.0),
                height=length,
                class_=f"gorkflow-amount gorkflow-{status.lower()}",
            )
        )
    if bar.label:
        inside.append(
            element(
                "text",
                bar.label,
                x=x + pitch / 2,
                y=height + LABEL_HEIGHT - 4,
                class_="gorkflow-tick gorkflow-centred",
            )
        )
    return element("a" if bar.href else "g", *inside, href=bar.href)
