"""A system while it runs: its driver processes, from start to stop."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from benchmarks.catalogue import System
from benchmarks.figures import Raw, measures_of
from benchmarks.places import ROOT
from benchmarks.workloads import Workload, patience

STOP_SECONDS = 30.0
START_SECONDS = 300.0
HISTORY_SECONDS = 7200.0


class BenchmarkError(RuntimeError):
    """A system could not be started, or a workload failed on it."""


class LostError(BenchmarkError):
    """A driver does not answer any more."""


class Running:
    """A started system. Several processes of one share every workload evenly.

    Args:
        system: which one.
        environment: what its drivers get beside the caller's environment.
        logs: directory of the file that everything it prints goes to.

    """

    def __init__(self, system: System, environment: Mapping[str, str], logs: Path) -> None:
        self.system = system
        self.log = logs / f"{system.name}.log"
        self.about: Mapping[str, str] = {}
        self._workloads: set[str] = set()
        self._drivers: list[_Driver] = []
        self._environment = environment

    def start(self) -> None:
        """Start the drivers and wait until they are warm. Raises BenchmarkError."""
        with self.log.open("wb") as log:
            for _ in range(self.system.processes):
                driver = _Driver(self.system, self._environment, log)
                self._drivers.append(driver)
                # One after the other: each may have to make its tables.
                ready = driver.answer(HISTORY_SECONDS if self.system.history else START_SECONDS)
                self.about = ready["about"]
                self._workloads = set(ready["workloads"])

    def has(self, workload: Workload) -> bool:
        """Tell whether the system can and should run a workload."""
        return workload.name in self._workloads and self.system.wants(workload.name)

    def run(self, workload: Workload) -> dict[str, float]:
        """Run one turn of a workload. Raises BenchmarkError."""
        try:
            answers = self._ask_all(workload)
        except (LostError, BrokenPipeError) as error:
            # An answer that comes late would be taken for the next workload's.
            self.stop()
            self._workloads.clear()
            raise LostError(str(error)) from error
        return measures_of([Raw(**answer["raw"]) for answer in answers])

    def _ask_all(self, workload: Workload) -> list[dict[str, Any]]:
        size = workload.size
        for driver in self._drivers:
            runs = max(1, size.runs // len(self._drivers))
            driver.ask({"workload": workload.name, "runs": runs, "steps": size.steps})
        return [driver.answer(2 * patience()) for driver in self._drivers]

    def stop(self) -> None:
        """Stop the drivers, and with them what they have started."""
        for driver in self._drivers:
            driver.stop()


class _Driver:
    def __init__(self, system: System, environment: Mapping[str, str], log: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.drivers.{system.driver}"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            # Ctrl-C is ours: the driver and its workers are stopped in order.
            start_new_session=True,
        )

    def ask(self, content: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(content).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self, seconds: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise LostError(f"no answer in {seconds:g} s")
        line = self._process.stdout.readline()
        if not line:
            raise LostError("the driver has ended; see its log")
        content: dict[str, Any] = json.loads(line)
        if "error" in content:
            raise BenchmarkError(content["error"])
        return content

    def stop(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        # Whatever is left of its group: workers of a driver that could not stop them.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
