"""The shapes with handlers that leave traces, for real workers."""

import time

from pydantic import BaseModel

from gorkflow import StepContext, register, step
from tests.faults.plans import trace
from tests.faults.shapes import build
from tests.shop.models import Entry

LINGER_SECONDS = 1.6
"""Longer than a heartbeat."""


class Job(BaseModel):
    """What a test asks of a run; both happen to the first attempt of the target."""

    target: str
    lingers: bool = False
    fails: bool = False


def work(ctx, *texts):
    with trace(ctx.run_id, ctx.step_id).open("a") as lines:
        lines.write(f"{ctx.attempt}\n")
    ctx.progress(0.5)
    if ctx.step_id == ctx.input.target and ctx.attempt == 1:
        if ctx.input.lingers:
            time.sleep(LINGER_SECONDS)
        if ctx.input.fails:
            raise ConnectionError("for once")
    return f"{ctx.step_id}({'+'.join(texts)})"


@step(retry_delay=0.3)
def plain(ctx: StepContext, text: str | Job) -> str:
    return work(ctx, "x" if isinstance(text, Job) else text)


@step
def join(ctx: StepContext, texts: tuple[str, str, str]) -> str:
    return work(ctx, *texts)


@step(atomic=True, retry_delay=0.3)
def atomic(ctx: StepContext, text: str) -> str:
    Entry.objects.create(name=f"{ctx.run_id} {ctx.step_id}")
    return work(ctx, text)


SHAPES = {
    shape: register(workflow)
    for shape, workflow in build(plain, join, atomic, prefix="faulty-").items()
}
