"""Loops with a clock around them, the same for every system."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.figures import Raw


def one_by_one(runs: int, steps: int, act: Callable[[], object]) -> Raw:
    """Time `act` again and again; each call executes `steps` steps and waits for their end."""
    latencies = []
    began = time.perf_counter()
    for _ in range(runs):
        before = time.perf_counter()
        act()
        latencies.append((time.perf_counter() - before) * 1000)
    return Raw(steps=runs * steps, seconds=time.perf_counter() - began, latencies_ms=latencies)


def at_once(steps: int, act: Callable[[], object]) -> Raw:
    """Time one `act` that executes `steps` steps in all."""
    began = time.perf_counter()
    act()
    return Raw(steps=steps, seconds=time.perf_counter() - began)


def calls_only(runs: int, act: Callable[[], object]) -> Raw:
    """Time calls whose effect is not waited for."""
    return Raw(latencies_ms=one_by_one(runs, 0, act).latencies_ms)
