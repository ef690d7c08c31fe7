"""What happened when: the records of a run's steps as rows of bars in pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gorkflow.diagrams.timescale import Scale, Span, Stretch
from gorkflow.records import AttemptRecord, StepRecord

MAX_ROWS = 300

LABEL_WIDTH = 176.0
CHART_WIDTH = 680.0
ROW_HEIGHT = 26.0
AXIS_HEIGHT = 26.0
BAR_HEIGHT = 14.0
MIN_BAR = 3.0
TICK_TEXT = 28.0
"""What the words of a tick take, to the right of it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """An attempt, or the time it waited before it began."""

    x: float
    width: float
    status: str
    """"" while it waited."""
    attempt: int


@dataclass(frozen=True, slots=True)
class Row:
    """A step."""

    step: StepRecord
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A run from its creation to its end, or until now."""

    rows: Sequence[Row]
    ticks: Sequence[tuple[float, timedelta]]
    """Where, and how long after the beginning."""
    cuts: Sequence[Stretch]
    """Stretches in which nothing happened, drawn shorter than they were."""
    now: float | None
    """Where now is, while the run goes on."""
    left_out: int
    """Steps that have begun and have no row."""
    width: float
    height: float


def timeline_of(
    steps: Sequence[StepRecord], begin: datetime, end: datetime | None, now: datetime
) -> Timeline:
    """Return the timeline of a run.

    Args:
        steps: the run's steps, with their attempts. Those that never began have no row.
        begin: when the run was created.
        end: when it ended, or None.
        now: where bars of attempts that are not over end.

    """
    begun = sorted(
        (step for step in steps if any(each.started_at for each in step.attempts)),
        key=lambda step: (_first_start(step), step.position),
    )
    last = max(end or now, begin)
    spans = [span for step in begun for span in _spans(step, last)]
    first = min([begin, *(span[0] for span in spans)])
    scale = Scale(first, max([last, *(span[1] for span in spans)]), spans, CHART_WIDTH)
    rows = [
        Row(step, AXIS_HEIGHT + index * ROW_HEIGHT, tuple(_bars(step, scale, last)))
        for index, step in enumerate(begun[:MAX_ROWS])
    ]
    return Timeline(
        rows=rows,
        ticks=[
            (LABEL_WIDTH + x, passed) for x, passed in scale.ticks() if x <= CHART_WIDTH - TICK_TEXT
        ],
        cuts=scale.cuts,
        now=None if end else LABEL_WIDTH + scale.x(now),
        left_out=len(begun) - len(rows),
        width=LABEL_WIDTH + CHART_WIDTH + 8,
        height=AXIS_HEIGHT + len(rows) * ROW_HEIGHT + 8,
    )


def _first_start(step: StepRecord) -> datetime:
    return min(each.started_at for each in step.attempts if each.started_at)


def _spans(step: StepRecord, last: datetime) -> Iterator[Span]:
    for attempt in step.attempts:
        if attempt.started_at is not None:
            begin = min(attempt.queued_at or attempt.started_at, attempt.started_at)
            yield begin, max(attempt.ended_at or last, attempt.started_at)


def _bars(step: StepRecord, scale: Scale, last: datetime) -> Iterator[Bar]:
    for attempt in step.attempts:
        if attempt.started_at is None:
            continue
        if attempt.queued_at is not None and attempt.queued_at < attempt.started_at:
            yield _bar(scale.x, attempt.queued_at, attempt.started_at, "", attempt)
        end = max(attempt.ended_at or last, attempt.started_at)
        yield _bar(scale.x, attempt.started_at, end, attempt.status, attempt)


def _bar(
    x: Callable[[datetime], float],
    begin: datetime,
    end: datetime,
    status: str,
    attempt: AttemptRecord,
) -> Bar:
    width = x(end) - x(begin)
    # What was short must still be seen; what waited for a moment need not.
    least = MIN_BAR if status else 0.0
    return Bar(LABEL_WIDTH + x(begin), max(width, least), status, attempt.number)
