"""Workflows of the tests of outages; workers import this by --include."""

import os
import signal
import time
from pathlib import Path

from gorkflow import StepContext, WorkflowBuilder, register, step
from tests.shop.workflows import Job, wait_for

DELAY = 1.5


@step(max_retries=1, retry_delay=DELAY, backoff="NONE", jitter=0)
def late(ctx: StepContext, job: Job) -> Job:
    """Work at the second attempt."""
    if ctx.attempt == 1:
        raise ConnectionError("not yet")
    return job


@step
def tell_time(ctx: StepContext, job: Job) -> float:
    """Say what time this process thinks it is, once the others are there too."""
    gate = Path(job.gate)
    (gate / ctx.step_id).touch()
    wait_for(gate / "open", ctx)
    return time.time()


@step
def listed(times: tuple[float, float]) -> list[float]:
    return list(times)


@step
def explode(job: Job) -> Job:
    """End its worker with all of its processes, as a machine that runs out of memory does."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
    return job


bomb = register(WorkflowBuilder("bomb").then(explode).build())
clocks = register(
    WorkflowBuilder("clocks", run_timeout=60)
    .then(late)
    .parallel(tell_time.with_(id="left"), tell_time.with_(id="right"))
    .then(listed)
    .build()
)
