"""A time axis in pixels, on which long stretches in which nothing happened are cut short."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

CUT_WIDTH = 28.0
CUT_SHARE = 0.35
"""An idle stretch is cut when it is longer than this share of the time that was busy."""
MIN_CUT = timedelta(seconds=10)
TICK_GAP = 90.0
"""Pixels between two ticks, at least."""

_STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30,
    60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
)  # fmt: skip

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis."""

    begin: datetime
    end: datetime
    x: float
    width: float
    is_cut: bool


class Scale:
    """Maps moments to pixels, in order, without a jump.

    Args:
        begin: the left end.
        end: the right end; a moment after `begin`.
        busy: when something was going on, in any order.
        width: pixels for all of it.

    """

    def __init__(self, begin: datetime, end: datetime, busy: Iterable[Span], width: float) -> None:
        self.begin = begin
        self.end = max(end, begin + timedelta(milliseconds=1))
        self.width = width
        self.stretches = self._stretches(_idle(self.begin, self.end, busy))
        self._begins = [stretch.begin for stretch in self.stretches]

    def x(self, moment: datetime) -> float:
        """Return where a moment is; those outside are at the ends."""
        moment = min(max(moment, self.begin), self.end)
        stretch = self.stretches[max(bisect_right(self._begins, moment) - 1, 0)]
        share = (moment - stretch.begin) / (stretch.end - stretch.begin)
        return stretch.x + min(share, 1.0) * stretch.width

    @property
    def cuts(self) -> list[Stretch]:
        """The stretches that are cut short."""
        return [stretch for stretch in self.stretches if stretch.is_cut]

    def ticks(self) -> list[tuple[float, timedelta]]:
        """Return places to label, with their distance from the beginning."""
        shown = [stretch for stretch in self.stretches if not stretch.is_cut]
        seconds = sum((each.end - each.begin).total_seconds() for each in shown)
        pixels = sum(each.width for each in shown) or 1.0
        step = timedelta(seconds=_step(seconds / pixels * TICK_GAP))
        found: list[tuple[float, timedelta]] = []
        for stretch in shown:
            number = -((self.begin - stretch.begin) // step)
            while (moment := self.begin + number * step) <= stretch.end:
                found.append((self.x(moment), number * step))
                number += 1
        return _apart(found)

    def _stretches(self, idle: Sequence[Span]) -> list[Stretch]:
        cut = sum((end - begin for begin, end in idle), timedelta())
        pixels = max(self.width - CUT_WIDTH * len(idle), self.width / 2)
        cut_width = (self.width - pixels) / len(idle) if idle else 0.0
        found: list[Stretch] = []
        x, moment = 0.0, self.begin
        for begin, end in (*idle, (self.end, self.end)):
            if begin > moment:
                width = pixels * ((begin - moment) / (self.end - self.begin - cut))
                found.append(Stretch(moment, begin, x, width, is_cut=False))
                x += width
            if end > begin:
                found.append(Stretch(begin, end, x, cut_width, is_cut=True))
                x += cut_width
            moment = end
        return found


def _idle(begin: datetime, end: datetime, busy: Iterable[Span]) -> list[Span]:
    """Return the stretches to cut short."""
    gaps: list[Span] = []
    moment, worked = begin, timedelta()
    for first, last in sorted(busy):
        if first > moment:
            gaps.append((moment, min(first, end)))
        worked += max(min(last, end) - max(first, moment), timedelta())
        moment = max(moment, last)
    if moment < end:
        gaps.append((moment, end))
    least = max(MIN_CUT, worked * CUT_SHARE)
    # Something has to be left to show.
    return [gap for gap in gaps if worked and gap[1] - gap[0] > least]


def _step(least: float) -> float:
    days = 86400 * (1 + least // 86400)
    return next((step for step in _STEPS if step >= least), days)


def _apart(ticks: list[tuple[float, timedelta]]) -> list[tuple[float, timedelta]]:
    kept: list[tuple[float, timedelta]] = []
    for tick in ticks:
        if not kept or tick[0] - kept[-1][0] >= TICK_GAP * 0.6:
            kept.append(tick)
    return kept
