"""Figures: what one turn measured, and what several rounds of it say. Pure arithmetic."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """What one system measured in one workload of one round."""

    round: int
    workload: str
    system: str
    measures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Raw:
    """What one driver process counted."""

    steps: int = 0
    seconds: float = 0.0
    latencies_ms: Sequence[float] = ()
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and range of the figures of several rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise at least one value."""
        return cls(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed, interpolated."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def measures_of(parts: Sequence[Raw]) -> dict[str, float]:
    """Join what processes counted that ran at the same time: work adds up, time does not."""
    found: dict[str, float] = {}
    steps = sum(part.steps for part in parts)
    seconds = max(part.seconds for part in parts)
    if steps and seconds:
        found["steps_per_s"] = steps / seconds
    latencies = [each for part in parts for each in part.latencies_ms]
    if latencies:
        found["p50_ms"] = percentile(latencies, 0.50)
        found["p95_ms"] = percentile(latencies, 0.95)
    for part in parts:
        found.update(part.values)
    return found


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one system in one workload."""

    system: str
    workload: str
    measure: str = "steps_per_s"


class Samples:
    """All samples of a benchmark, by round."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self._all: list[Sample] = []
        self._values: dict[tuple[Figure, int], float] = {}
        for sample in samples:
            self.add(sample)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._all)

    def add(self, sample: Sample) -> None:
        """Keep one sample."""
        self._all.append(sample)
        for measure, value in sample.measures.items():
            self._values[Figure(sample.system, sample.workload, measure), sample.round] = value

    def by_round(self, figure: Figure) -> dict[int, float]:
        """Return a figure's value in each round that has one."""
        return {each: value for (known, each), value in self._values.items() if known == figure}

    def spread(self, figure: Figure) -> Spread | None:
        """Return median and range of a figure; None if it was never measured."""
        values = list(self.by_round(figure).values())
        return Spread.of(values) if values else None

    def paired(
        self, one: Figure, other: Figure, join: Callable[[float, float], float]
    ) -> Spread | None:
        """Join two figures within each round that has both, then summarise over the rounds."""
        ones, others = self.by_round(one), self.by_round(other)
        joined = [join(ones[each], others[each]) for each in sorted(ones.keys() & others.keys())]
        return Spread.of(joined) if joined else None


def ratio(one: float, other: float) -> float:
    """Return one divided by the other; infinity where the other is zero."""
    return one / other if other else float("inf")


def difference(one: float, other: float) -> float:
    """Return one less the other."""
    return one - other
