"""A run's graph and timeline, with the words of the admin's language on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gorkflow.admin.display import in_words, status_word
from gorkflow.definition.graph import ExecutionGraph
from gorkflow.diagrams import (
    MAX_STEPS,
    Mark,
    Picture,
    graph_svg,
    neighbourhood,
    picture_of,
    timeline_of,
    timeline_svg,
)
from gorkflow.diagrams.picture import Box
from gorkflow.diagrams.timeline import Bar, Row
from gorkflow.records import RunRecord, StepRecord
from gorkflow.statuses import StepStatus

StepUrl = Callable[[StepRecord], str]

_WORST_FIRST = (
    StepStatus.FAILED,
    StepStatus.RETRYING,
    StepStatus.RUNNING,
    StepStatus.CANCELLED,
    StepStatus.PENDING,
    StepStatus.COMPLETED,
    StepStatus.SKIPPED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A graph, or what of it is around a step."""

    svg: SafeString
    around: StepRecord | None = None
    left_out: int = 0
    """Steps around it that are not in the picture."""


def run_graph(
    graph: ExecutionGraph,
    steps: Sequence[StepRecord],
    step_url: StepUrl,
    around: StepRecord | None = None,
) -> Drawing:
    """Return the graph with every step's status.

    Where it is too large to be drawn, what is around a step: the given one, or else the one that
    most deserves to be looked at.
    """
    picture = picture_of(graph)
    if picture is not None:
        return Drawing(svg=_drawn(picture, steps, step_url))
    middle = around or min(steps, key=lambda step: _WORST_FIRST.index(step.status))
    return step_graph(graph, steps, step_url, middle)


def step_graph(
    graph: ExecutionGraph, steps: Sequence[StepRecord], step_url: StepUrl, around: StepRecord
) -> Drawing:
    """Return what is around a step."""
    found = neighbourhood(graph, around.step_id)
    svg = _drawn(found.picture, steps, step_url)
    return Drawing(svg=svg, around=around, left_out=found.left_out)


def is_drawn_whole(graph: ExecutionGraph) -> bool:
    """Whether the whole graph is on a run's page."""
    return len(graph) <= MAX_STEPS


def _drawn(picture: Picture, steps: Sequence[StepRecord], step_url: StepUrl) -> SafeString:
    by_id = {step.step_id: step for step in steps}

    def mark(box: Box) -> Mark:
        members = [by_id[step_id] for step_id in box.members]
        return _step_mark(members[0], step_url) if len(members) == 1 else _group(members, step_url)

    return SafeString(graph_svg(picture, mark, label=_("Steps and their order")))


def workflow_graph(graph: ExecutionGraph) -> SafeString | None:
    """Return the graph of a workflow, without a run."""
    picture = picture_of(graph)
    if picture is None:
        return None

    def mark(box: Box) -> Mark:
        names = [graph[step_id].name for step_id in box.members]
        several = _times(len(names)) if len(names) > 1 else ""
        return Mark(name=names[0], note=several, title=", ".join(names[:20]))

    return SafeString(graph_svg(picture, mark, label=_("Steps and their order")))


def run_timeline(
    run: RunRecord, steps: Sequence[StepRecord], step_url: StepUrl
) -> tuple[SafeString, int]:
    """Return the timeline, and how many steps there was no room for."""
    now = timezone.now()
    timeline = timeline_of(steps, run.created_at, run.ended_at, now)
    if not timeline.rows:
        return SafeString(""), 0
    svg = timeline_svg(
        timeline,
        lambda row: Mark(
            name=row.step.name,
            status=row.step.status,
            title=_title(row.step),
            href=step_url(row.step),
            key=f"gorkflow-row-{row.step.position}",
            step=row.step.step_id,
        ),
        lambda row, bar: _bar_title(row, bar, now),
        label=_("What ran when"),
    )
    return SafeString(svg), timeline.left_out


def _step_mark(step: StepRecord, step_url: StepUrl) -> Mark:
    return Mark(
        name=step.name,
        status=step.status,
        note=_note(step),
        title=_title(step),
        href=step_url(step),
        key=f"gorkflow-node-{step.position}",
        step=step.step_id,
        progress=step.progress if step.status is StepStatus.RUNNING else 0.0,
    )


def _group(steps: Sequence[StepRecord], step_url: StepUrl) -> Mark:
    """Return what is written on a pile: the worst of its steps is the one it leads to."""
    worst = min(steps, key=lambda step: (_WORST_FIRST.index(step.status), step.position))
    return Mark(
        name=worst.name,
        status=worst.status,
        note=f"{_times(len(steps))} · {_counted(steps)}",
        title=f"{_times(len(steps))}: {_counted(steps)}",
        href=step_url(worst),
        key=f"gorkflow-node-{steps[0].position}",
        step=worst.step_id,
    )


def _times(count: int) -> str:
    return f"\N{MULTIPLICATION SIGN}{count}"


def _counted(steps: Sequence[StepRecord]) -> str:
    counts: Mapping[StepStatus, int] = Counter(step.status for step in steps)
    return ", ".join(
        f"{counts[status]} {status_word(status).lower()}"
        for status in _WORST_FIRST
        if status in counts
    )


def _note(step: StepRecord) -> str:
    words = [status_word(step.status)]
    if step.status is StepStatus.RUNNING and step.progress:
        words.append(f"{step.progress:.0%}")
    if step.attempt > 1:
        words.append(_("attempt %(number)s") % {"number": step.attempt})
    elif step.started_at and step.ended_at:
        words.append(in_words(step.ended_at - step.started_at))
    return " · ".join(words)


def _title(step: StepRecord) -> str:
    attempts = ngettext("%(count)d attempt", "%(count)d attempts", step.attempt)
    said = f"{step.name}: {status_word(step.status)}"
    return f"{said}, {attempts % {'count': step.attempt}}" if step.attempt else said


def _bar_title(row: Row, bar: Bar, now: datetime) -> str:
    attempt = next(each for each in row.step.attempts if each.number == bar.attempt)
    name = f"{row.step.name}, " + _("attempt %(number)s") % {"number": bar.attempt}
    if not bar.status:
        assert attempt.queued_at
        assert attempt.started_at
        waited = in_words(attempt.started_at - attempt.queued_at)
        return _("%(name)s: waited %(time)s for a worker") % {"name": name, "time": waited}
    assert attempt.started_at
    took = in_words((attempt.ended_at or now) - attempt.started_at)
    return f"{name}: {status_word(attempt.status)}, {took}"
