"""What is measured: every workload with its size, full and quick."""

from __future__ import annotations

import os
from dataclasses import dataclass

QUICK_VARIABLE = "GORKFLOW_BENCH_QUICK"
"""Set to 1 for the processes of a quick run; workers build their workflows by it."""

PAYLOAD_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a workload is run."""

    runs: int
    steps: int
    """Steps of one run: its length, or the width of its parallel part."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One thing that is measured."""

    name: str
    title: str
    full: Size
    quick: Size
    once: bool = False
    """Whether one round of it is enough."""

    @property
    def size(self) -> Size:
        """The size that this process runs."""
        return self.quick if is_quick() else self.full


def is_quick() -> bool:
    """Tell whether this process belongs to a quick run."""
    return os.environ.get(QUICK_VARIABLE) == "1"


def patience() -> float:
    """Return the seconds that a driver waits for what it has started."""
    return 60.0 if is_quick() else 900.0


WORKLOADS = (
    Workload("chain", "10-step chain, one run at a time", Size(150, 10), Size(3, 10)),
    Workload("many", "10-step chains, 200 runs at once", Size(200, 10), Size(8, 10)),
    Workload("fanout", "1 -> 100 -> 1, one run at a time", Size(5, 100), Size(1, 8)),
    Workload("wide", "1 000 parallel steps, then one", Size(1, 1000), Size(1, 30)),
    Workload("long", "1 000 sequential steps in one run", Size(1, 1000), Size(1, 30)),
    Workload("longest", "10 000 sequential steps in one run", Size(1, 10_000), Size(1, 60)),
    Workload("start", "start of a 10-step chain, message included", Size(200, 10), Size(10, 10)),
    Workload("payload", "mix of chains and fan-outs, 10 KB payloads", Size(40, 10), Size(4, 5)),
    Workload("statement", "two changes in one statement", Size(10_000, 1), Size(100, 1)),
    Workload("transaction", "two changes in a transaction", Size(10_000, 1), Size(100, 1)),
    Workload("recovery", "a killed worker's step runs again", Size(1, 1), Size(1, 1)),
    Workload("memory", "worker memory over 10 000 runs", Size(10_000, 2), Size(20, 2), once=True),
)

BY_NAME = {each.name: each for each in WORKLOADS}
