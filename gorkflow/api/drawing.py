"""A run's graph as an image of its own: its colours come with it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer

from gorkflow.definition.graph import ExecutionGraph
from gorkflow.diagrams import Mark, graph_svg, picture_of
from gorkflow.diagrams.picture import Box
from gorkflow.records import StepRecord
from gorkflow.statuses import StepStatus

COLORS = {
    StepStatus.FAILED: "#b3261e",
    StepStatus.RETRYING: "#9a5b00",
    StepStatus.RUNNING: "#1f5fbf",
    StepStatus.CANCELLED: "#6b4a86",
    StepStatus.PENDING: "#5b6470",
    StepStatus.COMPLETED: "#1a7340",
    StepStatus.SKIPPED: "#5b6470",
}
"""The worst first: that is what a pile of steps is shown as."""
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1d2127; }
.gorkflow-name { font-weight: 600; }
.gorkflow-detail { font-size: 11px; fill: #4a525c; }
.gorkflow-box, .gorkflow-pile { fill: #fff; stroke-width: 1.5; }
.gorkflow-icon { fill: none; stroke-width: 2; }
.gorkflow-diamond, .gorkflow-arrow { fill: #6b7480; }
.gorkflow-track { fill: #d9dee4; }
.gorkflow-wire { fill: none; stroke: #6b7480; stroke-width: 1.3; }
.gorkflow-conditional, .gorkflow-untaken { stroke-dasharray: 6 4; }
"""


class SvgRenderer(BaseRenderer):
    """Sends an image as it is."""

    media_type = "image/svg+xml"
    format = "svg"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,  # noqa: ARG002  DRF's
        renderer_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        """Return the image, or what else an answer holds as JSON."""
        return data if isinstance(data, str) else json.dumps(data, default=str)


def draw(graph: ExecutionGraph, steps: Sequence[StepRecord]) -> str | None:
    """Return an SVG document of the graph with every step's status; None if it is too large."""
    picture = picture_of(graph)
    if picture is None:
        return None
    by_id = {step.step_id: step for step in steps}
    svg = str(graph_svg(picture, lambda box: _mark(box, by_id), label="Steps and their order"))
    begun, _, rest = svg.partition(">")
    return f'{begun} xmlns="http://www.w3.org/2000/svg"><style>{STYLE}{_colors()}</style>{rest}'


def _mark(box: Box, by_id: Mapping[str, StepRecord]) -> Mark:
    steps = [by_id[step_id] for step_id in box.members]
    counts = Counter(step.status for step in steps)
    words = ", ".join(f"{counts[status]} {status.lower()}" for status in COLORS if counts[status])
    worst = min(steps, key=lambda step: list(COLORS).index(step.status))
    alone = len(steps) == 1
    return Mark(
        name=worst.name,
        status=worst.status,
        note=worst.status.lower() if alone else words,
        progress=worst.progress if alone and worst.status is StepStatus.RUNNING else 0.0,
    )


def _colors() -> str:
    return "\n".join(
        f".gorkflow-{status.lower()} .gorkflow-box, .gorkflow-{status.lower()} .gorkflow-icon"
        f" {{ stroke: {color}; }}"
        f" .gorkflow-{status.lower()} :is(.gorkflow-bar, .gorkflow-solid) {{ fill: {color}; }}"
        for status, color in COLORS.items()
    )
