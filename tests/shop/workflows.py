"""Workflows that real workers run in tests. Files in a gate directory say when to go on."""

import os
import signal
import time
from pathlib import Path

from pydantic import BaseModel

from gorkflow import NonRetryableError, StepContext, WorkflowBuilder, register, step
from tests.shop.models import Entry


class Job(BaseModel):
    """What a test asks of a run."""

    name: str = "job"
    gate: str = ""
    """A directory: a step writes its marks there, and waits there for `open`."""
    deadly_attempts: int = 0
    """Attempts that kill their own process."""


def wait_for(path: Path, ctx: StepContext) -> None:
    while not path.exists():
        ctx.check_cancelled()
        time.sleep(0.02)


@step
def first(job: Job) -> Job:
    return job


@step(timeout=60)
def held(ctx: StepContext, job: Job) -> Job:
    """Say who runs it, then wait until the test opens the gate."""
    gate = Path(job.gate)
    (gate / f"held-{ctx.attempt}").write_text(str(os.getpid()))
    try:
        wait_for(gate / "open", ctx)
    except BaseException:
        (gate / "interrupted").touch()
        raise
    return job


@step
def deadly(ctx: StepContext, job: Job) -> Job:
    if ctx.attempt <= job.deadly_attempts:
        os.kill(os.getpid(), signal.SIGKILL)
    return job


@step(atomic=True)
def enter(ctx: StepContext, job: Job) -> str:
    Entry.objects.create(name=job.name)
    return f"{job.name} entered"


@step(atomic=True, max_retries=1, retry_delay=0)
def enter_and_fail_once(ctx: StepContext, job: Job) -> Job:
    Entry.objects.create(name=f"{job.name}-once")
    if ctx.attempt == 1:
        raise ValueError("after the write")
    return job


@step(max_retries=0, timeout=0.3)
def endless(job: Job) -> Job:
    while True:
        time.sleep(0.01)


@step
def left(job: Job) -> str:
    return "left"


@step
def right(job: Job) -> str:
    return "right"


@step
def joined(both: tuple[str, str]) -> str:
    return "+".join(both)


@step
def decline(job: Job) -> Job:
    raise NonRetryableError("no")


plain = register(WorkflowBuilder("plain").then(first).parallel(left, right).then(joined).build())
gated = register(WorkflowBuilder("gated").then(first).then(held).then(enter).build())
poison = register(WorkflowBuilder("poison").then(first).then(deadly).then(enter).build())
slow = register(WorkflowBuilder("slow").then(endless).build())
careful = register(WorkflowBuilder("careful").then(enter_and_fail_once).then(enter).build())
declined = register(WorkflowBuilder("declined").then(decline).build())
hundred = register(
    WorkflowBuilder("hundred").sequence(*[first.with_(id=f"s{i}") for i in range(100)]).build()
)
