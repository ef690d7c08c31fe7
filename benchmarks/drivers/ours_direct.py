"""This engine in one process: `start(synchronous=True)`."""

from __future__ import annotations

import os

from benchmarks.drivers import django_setup as host
from benchmarks.drivers.protocol import About, Driver, serve
from benchmarks.drivers.timing import at_once, one_by_one
from benchmarks.figures import Raw
from benchmarks.history import load_history
from benchmarks.hosts.django_app import workflows
from benchmarks.workloads import Size


class OursDirect(Driver):
    """Drives runs in this process, without a broker."""

    def __init__(self) -> None:
        host.migrate()
        load_history(int(os.environ.get("GORKFLOW_BENCH_HISTORY", "0")))

    def about(self) -> About:
        """Describe it."""
        return About(
            versions=host.versions("django-gorkflow", "Django", "pydantic"),
            settings=f"start(synchronous=True), {host.database_settings()}",
            durability="each step's result is committed before the next one begins",
        )

    def warm_up(self) -> None:
        """Run some."""
        for _ in range(5):
            workflows.chain.start(0, synchronous=True)

    def close(self) -> None:
        """Nothing was started."""

    def chain(self, size: Size) -> Raw:
        """Run chains one by one."""
        return one_by_one(
            size.runs, size.steps, lambda: workflows.chain.start(0, synchronous=True).output
        )

    def fanout(self, size: Size) -> Raw:
        """Run one step, many, one."""
        return one_by_one(
            size.runs, size.steps + 2, lambda: workflows.fanout.start(0, synchronous=True).output
        )

    def wide(self, size: Size) -> Raw:
        """Run many entry steps and one that joins them."""
        return at_once(size.steps + 1, lambda: workflows.wide.start(0, synchronous=True).output)

    def long(self, size: Size) -> Raw:
        """Run one long chain."""
        return at_once(size.steps, lambda: workflows.long.start(0, synchronous=True).output)

    def longest(self, size: Size) -> Raw:
        """Run one very long chain."""
        return at_once(size.steps, lambda: workflows.longest.start(0, synchronous=True).output)


if __name__ == "__main__":
    serve(OursDirect)
