"""Rounds: every system runs every workload in turn, and another one begins each time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TypeVar

from benchmarks.catalogue import System
from benchmarks.figures import Sample, Samples
from benchmarks.places import Places
from benchmarks.processes import BenchmarkError, Running
from benchmarks.workloads import QUICK_VARIABLE, Workload

T = TypeVar("T")

TAIL = 2000
"""Characters of a log that a failure shows."""


@dataclass(slots=True)
class Outcome:
    """All that came of a benchmark."""

    samples: Samples = field(default_factory=Samples)
    about: dict[str, dict[str, str]] = field(default_factory=dict)
    """By system: title, versions, settings, durability."""
    skipped: dict[str, str] = field(default_factory=dict)
    """By system: why it did not run."""
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run."""

    systems: Sequence[System]
    workloads: Sequence[Workload]
    rounds: int
    quick: bool
    history: int = 0
    """Old runs for the systems that want some."""


def rotated(items: Sequence[T], by: int) -> list[T]:
    """Return the items with another one first."""
    by %= max(1, len(items))
    return [*items[by:], *items[:by]]


def run(plan: Plan, places: Places, say: Callable[[str], None]) -> Outcome:
    """Start the systems, run all rounds, and stop them."""
    outcome = Outcome()
    with ExitStack() as stack:
        running = _start_all(plan, places, outcome, stack, say)
        for number in range(1, plan.rounds + 1):
            for place, workload in enumerate(plan.workloads):
                for system in rotated(running, number - 1 + place):
                    if system.has(workload) and not (workload.once and number > 1):
                        _turn(system, workload, number, outcome, say)
    return outcome


def _start_all(
    plan: Plan, places: Places, outcome: Outcome, stack: ExitStack, say: Callable[[str], None]
) -> list[Running]:
    prepared = []
    for system in plan.systems:
        if not any(system.wants(each.name) for each in plan.workloads):
            continue
        reason = places.missing(system)
        if reason is not None:
            outcome.skipped[system.name] = reason
            say(f"skipped {system.name}: {reason}")
            continue
        running = Running(system, _environment(plan, places, system), places.logs)
        stack.callback(running.stop)
        prepared.append(running)
    say(f"starting {', '.join(each.system.name for each in prepared)}")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        try:
            problems = list(pool.map(_start, prepared))
        except BaseException:
            # Ctrl-C: the threads wait for drivers that nobody needs any more.
            for running in prepared:
                running.stop()
            raise
    started = []
    for running, problem in zip(prepared, problems, strict=True):
        if problem is not None:
            outcome.failed.append(f"{running.system.name} did not start: {problem}")
            continue
        outcome.about[running.system.name] = {"title": running.system.title, **running.about}
        started.append(running)
    return started


def _start(running: Running) -> str | None:
    try:
        running.start()
    except BenchmarkError as error:
        return _explained(running, error)
    return None


def _explained(running: Running, error: Exception) -> str:
    return f"{error}\n{running.log.read_text(errors='replace')[-TAIL:]}"


def _environment(plan: Plan, places: Places, system: System) -> dict[str, str]:
    return {
        **places.make(system),
        QUICK_VARIABLE: "1" if plan.quick else "0",
        "GORKFLOW_BENCH_BARE": "1" if system.driver == "bare" else "0",
        "GORKFLOW_BENCH_HISTORY": str(plan.history if system.history else 0),
    }


def _turn(
    running: Running,
    workload: Workload,
    number: int,
    outcome: Outcome,
    say: Callable[[str], None],
) -> None:
    name = running.system.name
    try:
        measures = running.run(workload)
    except BenchmarkError as error:
        why = _explained(running, error)
        outcome.failed.append(f"{name}, {workload.name}, round {number}: {why}")
        say(f"round {number} {workload.name:12} {name:20} FAILED: {error}")
        return
    outcome.samples.add(Sample(number, workload.name, name, measures))
    shown = "  ".join(f"{key} {value:,.1f}" for key, value in measures.items())
    say(f"round {number} {workload.name:12} {name:20} {shown}")
