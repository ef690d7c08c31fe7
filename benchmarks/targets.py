"""What must come out: the figures that this project holds itself to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.catalogue import DIRECT
from benchmarks.figures import Figure, Samples, Spread, difference, ratio

P50 = "p50_ms"
BESIDE_HISTORY = (*DIRECT, "many", "start", "payload")


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of ours against one of somebody else's, or against a fixed number."""

    title: str
    ours: Figure
    other: Figure | None
    at_least: float
    aim: float
    unit: str = "x"
    lower_is_better: bool = False
    join: Callable[[float, float], float] = ratio

    def measured(self, samples: Samples) -> Spread | None:
        """Return the figure over the rounds; None where a side of it was not measured."""
        if self.other is None:
            return samples.spread(self.ours)
        return samples.paired(self.ours, self.other, self.join)

    def verdict(self, value: float) -> str:
        """Say whether a value reaches the aim, the minimum, or neither."""
        sign = -1 if self.lower_is_better else 1
        if sign * value >= sign * self.aim:
            return "aim"
        return "at least" if sign * value >= sign * self.at_least else "MISSED"


def _against(title: str, workload: str, peer: str, at_least: float, aim: float) -> Target:
    ours = Figure("ours-redis", workload)
    return Target(f"{title}, against {peer}", ours, Figure(peer, workload), at_least, aim)


def _history(system: str, workload: str) -> Target:
    slower = workload == "start"
    measure = P50 if slower else "steps_per_s"
    old, empty = Figure(f"{system}-history", workload, measure), Figure(system, workload, measure)
    ours, other = (empty, old) if slower else (old, empty)
    return Target(f"history: {workload} of {system}", ours, other, 0.9, 1.0)


def _worker(system: str, beside: str = "") -> tuple[Target, ...]:
    """Return what a worker is held to, by itself and beside old runs."""
    return (
        Target(
            f"{beside}worker child's memory over a bare Celery + Django child",
            Figure(system, "memory", "after_mb"),
            Figure("bare", "memory", "after_mb"),
            15,
            8,
            unit=" MB",
            lower_is_better=True,
            join=difference,
        ),
        _at_most(
            f"{beside}worker child's memory: growth over the runs",
            Figure(system, "memory", "growth_mb"),
            2,
            " MB",
        ),
        _at_most(
            f"{beside}a killed worker's step runs again, after its lease's end",
            Figure(system, "recovery", "after_lease_s"),
            1,
            " s",
        ),
    )


def _at_most(title: str, ours: Figure, most: float, unit: str) -> Target:
    return Target(title, ours, None, most, 0, unit=unit, lower_is_better=True)


TARGETS = (
    Target(
        "in process, 10-step chain, PostgreSQL, against DBOS direct",
        Figure("ours-direct", "chain"),
        Figure("dbos", "chain"),
        5,
        6,
    ),
    Target(
        "in process, 10-step chain, SQLite, against DBOS on SQLite",
        Figure("ours-direct-sqlite", "chain"),
        Figure("dbos-sqlite", "chain"),
        6,
        8,
    ),
    Target(
        "in process against the raw floor (one statement, one connection)",
        Figure("ours-direct", "chain"),
        Figure("floor", "statement"),
        0.5,
        0.7,
    ),
    _against("10-step chain, one run at a time", "chain", "celery-redis", 2.5, 4),
    _against("10-step chain, one run at a time", "chain", "dbos", 3.5, 5),
    _against("200 runs at once, two worker processes", "many", "celery-redis", 2.5, 4),
    _against("200 runs at once, two worker processes", "many", "dbos-two", 3, 5),
    _against("1 -> 100 -> 1, two worker processes", "fanout", "celery-redis", 2.5, 4),
    _against("1 000 parallel, two worker processes", "wide", "celery-redis", 3, 5),
    _against("1 000 sequential", "long", "celery-redis", 5, 10),
    _against("1 000 sequential", "long", "dbos", 3, 5),
    Target(
        "10 000 sequential: cost of a step against 10 steps, in one process",
        Figure("ours-direct", "chain"),
        Figure("ours-direct", "longest"),
        1.2,
        1.0,
        lower_is_better=True,
    ),
    Target(
        "start() p50, message included, against Celery's chain.apply_async",
        Figure("ours-redis", "start", P50),
        Figure("celery-redis", "start", P50),
        0.7,
        0.5,
        lower_is_better=True,
    ),
    *_worker("ours-redis"),
    *(_history("ours-redis", workload) for workload in BESIDE_HISTORY),
    *(_history("ours-direct", workload) for workload in DIRECT),
    *_worker("ours-redis-history", "history: "),
)
