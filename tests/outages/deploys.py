"""Code of three releases, by --include; an environment variable says which one a process has."""

import os
from pathlib import Path

from gorkflow import StepContext, WorkflowBuilder, register, step
from tests.shop.workflows import Job, wait_for

VARIABLE = "TEST_RELEASE"
OLD, NEW, CARELESS = "old", "new", "careless"
"""The first version alone; two versions; the first version with a step renamed."""
RELEASE = os.environ.get(VARIABLE, NEW)


@step(timeout=60)
def pack(ctx: StepContext, job: Job) -> Job:
    if job.gate:
        (Path(job.gate) / "packing").touch()
        wait_for(Path(job.gate) / "open", ctx)
    return job


@step
def label(job: Job) -> Job:
    return job


@step
def ship(job: Job) -> str:
    return f"{job.name} shipped"


_ship = ship.with_(id="send") if RELEASE == CARELESS else ship
parcel = register(WorkflowBuilder("parcel", version="1").then(pack).then(_ship).build())
if RELEASE == NEW:
    parcel = register(
        WorkflowBuilder("parcel", version="2").then(pack).then(label).then(ship).build()
    )
