"""Coroutines as handlers, where reading the context needs the database."""

import asyncio

import pytest

from gorkflow import RunStatus, StepContext, WorkflowBuilder, step
from tests.races.kit import engine_of

pytestmark = pytest.mark.django_db


@step
def enter(ctx: StepContext, n: int) -> int:
    ctx.state["seen"] = "by the first step"
    return n + 1


def read(ctx):
    return [ctx.input, ctx.output(enter), ctx.has_output(enter), ctx.context, ctx.state["seen"]]


def finished_by_two_workers(reader):
    """The second worker knows nothing of the run but its claim."""
    workflow = WorkflowBuilder("w", context="of the workflow").sequence(enter, reader).build()
    engine = engine_of(workflow)
    run = engine.start("w", 1)
    engine.work(run.id, stopping=lambda: True)
    engine.work(run.id)
    return run.refresh()


@pytest.mark.parametrize("atomic", [False, True])
def test_a_coroutine_reads_its_context_on_a_worker_that_has_not_seen_the_run_before(atomic):
    @step(atomic=atomic, max_retries=0)
    async def reader(ctx: StepContext, _n: int) -> list[str]:
        await asyncio.sleep(0)
        return [str(value) for value in read(ctx)]

    run = finished_by_two_workers(reader)

    assert run.status is RunStatus.COMPLETED, run.error
    assert run.output == ["1", "2", "True", "of the workflow", "by the first step"]


def test_the_tasks_that_a_coroutine_makes_read_the_context_too():
    @step(max_retries=0)
    async def reader(ctx: StepContext, _n: int) -> list[str]:
        async def part():
            return [str(value) for value in read(ctx)]

        async with asyncio.TaskGroup() as group:
            parts = [group.create_task(part()) for _ in range(3)]
        return [value for each in parts for value in each.result()]

    run = finished_by_two_workers(reader)

    assert run.status is RunStatus.COMPLETED, run.error
    assert run.output == ["1", "2", "True", "of the workflow", "by the first step"] * 3
