"""The workflows of our own drivers and workers, built for the sizes that are run."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from benchmarks.doorbell import ring
from benchmarks.workloads import BY_NAME
from gorkflow import StepContext, Workflow, WorkflowBuilder, register, step
from gorkflow.signals import run_ended

ENDED_VARIABLE = "GORKFLOW_BENCH_ENDED"
"""Path of the pipe on which workers tell the driver that a run has ended."""
SMALL_VARIABLE = "GORKFLOW_BENCH_SMALL"
"""Set to 1 for a worker whose memory is measured: it knows the small workflows only."""


class Parcel(BaseModel):
    text: str
    number: int


QUEUE = os.environ["GORKFLOW_BENCH_QUEUE"]


def add(value: int) -> int:
    return value + 1


def total(values: list[int]) -> int:
    return sum(values)


def carry(parcel: Parcel) -> Parcel:
    return Parcel(text=parcel.text, number=parcel.number + 1)


def gather(parcels: list[Parcel]) -> Parcel:
    return Parcel(text=parcels[0].text, number=sum(each.number for each in parcels))


def hold(ctx: StepContext, gate: str) -> str:
    """Leave a mark; the first attempt stays until it is killed."""
    Path(gate, f"held-{ctx.attempt}").write_text(str(os.getpid()))
    while ctx.attempt == 1:
        time.sleep(0.05)
    return gate


def build_chain(name: str, length: int, handler: Any = add, **options: Any) -> Workflow[Any, Any]:
    steps = [step(handler, id=f"s{each}", **options) for each in range(length)]
    return register(WorkflowBuilder(name).sequence(*steps).build())


def build_fanout(
    name: str, width: int, handler: Any = add, join: Any = total
) -> Workflow[Any, Any]:
    middle = [step(handler, id=f"m{each}") for each in range(width)]
    first = step(handler, id="first")
    return register(WorkflowBuilder(name).then(first).parallel(*middle).then(join).build())


def build_wide(name: str, width: int) -> Workflow[Any, Any]:
    entries: list[Any] = [step(add, id=f"m{each}") for each in range(width)]
    return register(WorkflowBuilder(name).parallel(*entries).then(step(total)).build())


short = build_chain("short", BY_NAME["memory"].size.steps, queue=f"{QUEUE}-memory")
chain = build_chain("chain", BY_NAME["chain"].size.steps)
held = register(WorkflowBuilder("held").then(step(hold, timeout=None)).build())
if os.environ.get(SMALL_VARIABLE) != "1":
    waiting = build_chain("waiting", BY_NAME["start"].size.steps, queue=f"{QUEUE}-nobody")
    long = build_chain("long", BY_NAME["long"].size.steps)
    longest = build_chain("longest", BY_NAME["longest"].size.steps)
    fanout = build_fanout("fanout", BY_NAME["fanout"].size.steps)
    wide = build_wide("wide", BY_NAME["wide"].size.steps)
    heavy_chain = build_chain("heavy-chain", BY_NAME["payload"].size.steps, carry)
    heavy_fanout = build_fanout("heavy-fanout", BY_NAME["payload"].size.steps, carry, gather)


def _tell_driver(*, run_id: UUID, **_: Any) -> None:
    ring(os.environ[ENDED_VARIABLE], str(run_id))


if ENDED_VARIABLE in os.environ:
    run_ended.connect(_tell_driver, weak=False)
