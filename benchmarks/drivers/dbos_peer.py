"""DBOS, called in the driver's own process: the shortest way that it has.

No queue is polled and no message is sent. Its guide recommends PostgreSQL, steps gathered as
coroutines for a fan-out, and its connection pool as it is. On SQLite it gets the settings that ours
has.
"""

from __future__ import annotations

import asyncio
import os
import platform
from importlib.metadata import version
from typing import Any

import sqlalchemy
from dbos import DBOS

from benchmarks.drivers.protocol import About, Driver, serve
from benchmarks.drivers.timing import at_once, calls_only, one_by_one
from benchmarks.figures import Raw
from benchmarks.sqlite import PRAGMAS, STATED
from benchmarks.workloads import PAYLOAD_BYTES, Size

URL = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://", 1)
PARCEL: dict[str, Any] = {"text": "x" * PAYLOAD_BYTES, "number": 0}


@DBOS.step()
def add(value: int) -> int:
    return value + 1


@DBOS.step()
async def add_async(value: int) -> int:
    return value + 1


@DBOS.step()
async def total(values: list[int]) -> int:
    return sum(values)


@DBOS.step()
def carry(parcel: dict[str, Any]) -> dict[str, Any]:
    return {**parcel, "number": parcel["number"] + 1}


@DBOS.step()
async def carry_async(parcel: dict[str, Any]) -> dict[str, Any]:
    return {**parcel, "number": parcel["number"] + 1}


@DBOS.workflow()
def run_chain(length: int) -> int:
    value = 0
    for _ in range(length):
        value = add(value)
    return value


@DBOS.workflow()
async def run_fanout(width: int) -> int:
    value = await add_async(0)
    return await total(await asyncio.gather(*(add_async(value) for _ in range(width))))


@DBOS.workflow()
async def run_wide(width: int) -> int:
    return await total(await asyncio.gather(*(add_async(0) for _ in range(width))))


@DBOS.workflow()
def run_heavy_chain(length: int, parcel: dict[str, Any]) -> dict[str, Any]:
    for _ in range(length):
        parcel = carry(parcel)
    return parcel


@DBOS.workflow()
async def run_heavy_fanout(width: int, parcel: dict[str, Any]) -> dict[str, Any]:
    first = await carry_async(parcel)
    parcels = await asyncio.gather(*(carry_async(first) for _ in range(width)))
    return await carry_async(parcels[0])


def finish(workflow: Any, *arguments: Any) -> Any:
    """Start a workflow and wait for its result."""
    return DBOS.start_workflow(workflow, *arguments).get_result()


class DbosPeer(Driver):
    """Drives DBOS workflows in this process."""

    def __init__(self) -> None:
        if URL.startswith("sqlite"):
            sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _set)
        DBOS(
            config={
                "name": "gorkflow-benchmarks",
                "system_database_url": URL,
                "log_level": "WARNING",
                "executor_id": str(os.getpid()),
                "enable_otlp": False,
            }
        )
        DBOS.launch()

    def about(self) -> About:
        """Describe it."""
        where = f"SQLite, {STATED}" if URL.startswith("sqlite") else "PostgreSQL"
        return About(
            versions=f"Python {platform.python_version()}, dbos {version('dbos')}, "
            f"SQLAlchemy {version('sqlalchemy')}",
            settings=f"{where}, direct calls, fan-outs as coroutines, default pool",
            durability="each step's result is committed before the next one begins; a dead "
            "process's runs wait for its own restart",
        )

    def warm_up(self) -> None:
        """Run each kind once."""
        for _ in range(5):
            run_chain(10)
        finish(run_fanout, 10)

    def close(self) -> None:
        """Shut it down."""
        DBOS.destroy()

    def chain(self, size: Size) -> Raw:
        """Run chains one by one."""
        return one_by_one(size.runs, size.steps, lambda: run_chain(size.steps))

    def many(self, size: Size) -> Raw:
        """Start many chains on its threads and wait for all."""

        def act() -> None:
            for handle in [DBOS.start_workflow(run_chain, size.steps) for _ in range(size.runs)]:
                handle.get_result()

        return at_once(size.runs * size.steps, act)

    def fanout(self, size: Size) -> Raw:
        """Run one step, many, one."""
        return one_by_one(size.runs, size.steps + 2, lambda: finish(run_fanout, size.steps))

    def wide(self, size: Size) -> Raw:
        """Run many steps at once and one that joins them."""
        return at_once(size.steps + 1, lambda: finish(run_wide, size.steps))

    def long(self, size: Size) -> Raw:
        """Run one long chain."""
        return at_once(size.steps, lambda: run_chain(size.steps))

    def longest(self, size: Size) -> Raw:
        """Run one very long chain."""
        return self.long(size)

    def payload(self, size: Size) -> Raw:
        """Run chains and fan-outs with payloads, all at once."""

        def act() -> None:
            kinds = (run_heavy_chain, run_heavy_fanout)
            handles = [
                DBOS.start_workflow(kinds[each % 2], size.steps, PARCEL)
                for each in range(size.runs)
            ]
            for handle in handles:
                handle.get_result()

        return at_once(size.runs * size.steps + 2 * (size.runs // 2), act)

    def start(self, size: Size) -> Raw:
        """Time start_workflow alone; the runs go on meanwhile, as it has no way to hold them."""
        handles: list[Any] = []
        raw = calls_only(
            size.runs, lambda: handles.append(DBOS.start_workflow(run_chain, size.steps))
        )
        for handle in handles:
            handle.get_result()
        return raw


def _set(connection: Any, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(pragma)


if __name__ == "__main__":
    serve(DbosPeer)
