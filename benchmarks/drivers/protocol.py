"""How a driver process talks with the runner: one JSON object a line, on stdin and stdout.

The first line out is what the system says about itself; then each line in is a workload, and each
line out is what was counted or why it failed. The end of stdin ends the driver.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.figures import Raw
from benchmarks.workloads import BY_NAME, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a system says about itself, beside its figures."""

    versions: str
    settings: str
    durability: str


class Driver(ABC):
    """Drives one system. A workload that it can run is a method of the workload's name."""

    @abstractmethod
    def about(self) -> About:
        """Describe versions, settings and durability."""

    @abstractmethod
    def warm_up(self) -> None:
        """Do everything once, so that the first turn measures what the others do."""

    @abstractmethod
    def close(self) -> None:
        """Stop what was started."""

    def perform(self, workload: str, size: Size) -> Raw:
        """Run one turn of a workload."""
        found: Raw = getattr(self, workload)(size)
        return found

    def workloads(self) -> list[str]:
        """Return the names of the workloads that this driver has a method for."""
        return [name for name in BY_NAME if callable(getattr(self, name, None))]


def serve(build: type[Driver]) -> None:
    """Answer the runner until it closes our stdin."""
    # Libraries print: only our own answers go to the runner, the rest to the log.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(content: Mapping[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")

    driver = None
    try:
        driver = build()
        driver.warm_up()
        answer({"about": asdict(driver.about()), "workloads": driver.workloads()})
        for line in sys.stdin:
            answer(_turn(driver, json.loads(line)))
    except Exception as error:  # noqa: BLE001  the runner reports it
        traceback.print_exc()
        answer({"error": f"{type(error).__name__}: {error}"})
    finally:
        if driver is not None:
            driver.close()


def _turn(driver: Driver, asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        size = Size(runs=asked["runs"], steps=asked["steps"])
        return {"raw": asdict(driver.perform(asked["workload"], size))}
    except Exception as error:  # noqa: BLE001  one workload that fails is a line in the report
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}
