"""How a run flows through its graph."""

import asyncio

import pytest
from pydantic import BaseModel

from gorkflow import ExecutionConfig, RunStatus, StepContext, WorkflowBuilder, step
from gorkflow.errors import ErrorCode, InvalidStateError
from tests.engine.conftest import statuses


class Order(BaseModel):
    id: int = 1
    total: float = 2.5


@step
def double(n: int) -> int:
    return 2 * n


@step
def increment(n: int) -> int:
    return n + 1


@step
def add(numbers: tuple[int, int]) -> int:
    return sum(numbers)


def test_steps_run_one_after_the_other(lab):
    run = lab.run(WorkflowBuilder("w").sequence(double, increment), 5)

    assert (run.status, run.output, run.progress) == (RunStatus.COMPLETED, 11, 1.0)


def test_a_diamond_joins_both_branches_in_declared_order(lab):
    @step
    def pair(both: tuple[int, int]) -> list[int]:
        return list(both)

    builder = WorkflowBuilder("w").then(increment.with_(id="start")).parallel(double, increment)
    run = lab.run(builder.then(pair), 1)

    assert run.output == [4, 3]


def test_a_parallel_block_may_come_first(lab):
    run = lab.run(WorkflowBuilder("w").parallel(double, increment).then(add), 10)

    assert run.output == 31


def test_a_parallel_block_may_come_last(lab):
    run = lab.run(WorkflowBuilder("w").parallel(double, increment), 10)

    assert run.output == {"double": 20, "increment": 11}


def test_a_join_by_id_gets_the_outputs_by_name(lab):
    class Both(BaseModel):
        double: int
        increment: int

    @step
    def join(both: Both) -> int:
        return both.double * both.increment

    run = lab.run(WorkflowBuilder("w").parallel(double, increment).then(join), 2)

    assert run.output == 12


def test_any_dag_can_be_said_with_after(lab):
    @step(after=(double,))
    def left(n: int) -> int:
        return n + 100

    @step(after=("left", double))
    def last(both: tuple[int, int]) -> int:
        return both[0] - both[1]

    run = lab.run(WorkflowBuilder("w").then(double).add(left, last), 3)

    assert run.output == 100


def test_models_travel_between_steps_as_models(lab):
    @step
    def bigger(order: Order) -> Order:
        assert isinstance(order, Order)
        return order.model_copy(update={"total": order.total * 2})

    run = lab.run(WorkflowBuilder("w").sequence(bigger, bigger.with_(id="again")), Order())

    assert run.output == Order(id=1, total=10.0)


def test_async_handlers_are_awaited(lab):
    @step
    async def later(n: int) -> int:
        await asyncio.sleep(0)
        return n + 1

    assert lab.run(WorkflowBuilder("w").then(later), 1).output == 2


def test_a_condition_that_is_true_runs_the_step(lab):
    run = lab.run(WorkflowBuilder("w").then(double).then_if(increment, when=lambda n: n > 3), 2)

    assert run.output == 5


def test_a_skipped_step_hands_on_its_input_where_the_types_are_the_same(lab):
    builder = WorkflowBuilder("w").then(double).then_if(increment, when=lambda n: n > 3)
    run = lab.run(builder.then(double.with_(id="end")), 1)

    assert run.output == 4
    assert statuses(run)["increment"] == "SKIPPED"


def test_a_skipped_step_has_its_default(lab):
    @step
    def describe(n: int) -> str:
        return f"number {n}"

    builder = WorkflowBuilder("w").then(double)
    run = lab.run(builder.then_if(describe, when=lambda n: n > 3, default="small"), 1)

    assert run.output == "small"


def test_a_skipped_sink_without_a_default_shows_what_came_before_it(lab):
    @step
    def describe(n: int) -> str:
        return f"number {n}"

    run = lab.run(WorkflowBuilder("w").then(double).then_if(describe, when=lambda _n: False), 1)

    assert run.output == 2


def test_a_skipped_step_in_the_middle_puts_out_none(lab):
    @step
    def describe(n: int) -> str:
        return f"number {n}"

    @step
    def end(text: str | None) -> str:
        return repr(text)

    builder = WorkflowBuilder("w").then(double).then_if(describe, when=lambda _n: False)

    assert lab.run(builder.then(end), 1).output == "None"


def test_a_skipped_entry_step_that_is_all_there_is_gives_none(lab):
    @step
    def describe(n: int) -> str:
        return f"number {n}"

    assert lab.run(WorkflowBuilder("w").then_if(describe, when=lambda _n: False), 1).output is None


def test_an_error_in_a_condition_fails_the_step(lab):
    builder = WorkflowBuilder("w", config=ExecutionConfig(max_retries=0))
    run = lab.run(builder.then(double).then_if(increment, when=lambda n: 1 / (n - n) > 0), 1)

    assert run.status is RunStatus.FAILED
    assert (run.error.step_id, run.error.type) == ("increment", "ZeroDivisionError")


def test_conditions_may_look_at_the_context(lab):
    def rich(ctx: StepContext, n: int) -> bool:
        return ctx.input == 1 and n == 2

    run = lab.run(WorkflowBuilder("w").then(double).then_if(increment, when=rich), 1)

    assert run.output == 3


def test_any_earlier_output_can_be_read_by_step_or_by_id(lab):
    @step
    def end(ctx: StepContext, n: int) -> list[object]:
        return [ctx.output(double), ctx.output("increment"), ctx.has_output("end"), ctx.input]

    run = lab.run(WorkflowBuilder("w").sequence(double, increment, end), 4)

    assert run.output == [8, 9, False, 4]


def test_asking_for_an_output_that_is_not_there_fails_the_step(lab):
    @step(max_retries=0)
    def end(ctx: StepContext, n: int) -> int:
        return ctx.output("nowhere")

    run = lab.run(WorkflowBuilder("w").sequence(double, end), 4)

    assert run.error.code is ErrorCode.NOT_FOUND


def test_state_is_shared_changed_in_place_and_deleted(lab):
    @step
    def write(ctx: StepContext, n: int) -> int:
        ctx.state["seen"] = [n]
        ctx.state["gone"] = True
        return n

    @step
    def change(ctx: StepContext, n: int) -> int:
        ctx.state["seen"].append(n + 1)
        del ctx.state["gone"]
        return n

    @step
    def read(ctx: StepContext, n: int) -> dict[str, object]:
        return dict(ctx.state)

    run = lab.run(WorkflowBuilder("w").sequence(write, change, read), 1)

    assert run.output == {"seen": [1, 2]}


def test_a_failed_attempt_leaves_no_state_behind(lab):
    @step(max_retries=1, retry_delay=0)
    def flaky(ctx: StepContext, n: int) -> list[str]:
        before = sorted(ctx.state)
        ctx.state[f"attempt {ctx.attempt}"] = True
        if ctx.attempt == 1:
            raise ValueError
        return before

    assert lab.run(WorkflowBuilder("w").then(flaky), 1).output == []


def test_the_custom_context_reaches_every_step(lab):
    class Rates(BaseModel):
        vat: float

    @step
    def tax(ctx: StepContext, n: int) -> float:
        return n * ctx.context.vat

    builder = WorkflowBuilder("w", context=Rates(vat=0.5)).then(tax)

    assert lab.run(builder, 10).output == 5.0
    assert lab.run(builder, 10, context=Rates(vat=0.1)).output == 1.0


def test_the_idempotency_key_is_the_same_on_every_attempt(lab):
    keys = []

    @step(max_retries=2, retry_delay=0)
    def call(ctx: StepContext, n: int) -> int:
        keys.append(ctx.idempotency_key)
        if ctx.attempt < 3:
            raise OSError
        return n

    run = lab.run(WorkflowBuilder("w").then(call), 1)

    assert keys == [f"{run.id}:call:0"] * 3


def test_a_hundred_steps_in_a_row(lab):
    steps = [increment.with_(id=f"s{i}") for i in range(100)]

    run = lab.run(WorkflowBuilder("w").sequence(*steps), 0)

    assert (run.output, run.record.done_steps) == (100, 100)


def test_a_fan_of_fifty(lab):
    fan = [increment.with_(id=f"s{i}") for i in range(50)]

    @step
    def total(numbers: tuple[int, ...]) -> int:
        return sum(numbers)

    assert lab.run(WorkflowBuilder("w").parallel(*fan).then(total), 1).output == 100


def test_a_workflow_whose_steps_take_nothing(lab):
    @step
    def one() -> int:
        return 1

    assert lab.run(WorkflowBuilder("w").then(one)).output == 1


@pytest.mark.parametrize("value", [None, [], {"a'\"\\": "é\u2028"}, [1.5, True], "x" * 100_000])
def test_payloads_come_back_as_they_were(lab, value):
    @step
    def same(value: object) -> object:
        return value

    assert lab.run(WorkflowBuilder("w").then(same), value).output == value


@pytest.mark.parametrize("options", [{}, {"tags": {"a": "b"}, "resource_id": "r", "priority": 7}])
def test_a_run_that_has_ended_where_it_was_started_is_as_the_store_has_it(lab, options):
    builder = WorkflowBuilder("w").limit(run_timeout=60).sequence(double, increment)

    run = lab.run(builder, 1, **options)

    assert run.record == lab.engine.get_run(run.id)
    assert run.output == run.refresh().output == 3


def test_a_run_that_has_ended_where_it_was_started_is_steered_like_any_other(lab):
    run = lab.run(WorkflowBuilder("w").then(increment), 1)
    with pytest.raises(InvalidStateError):
        run.cancel()

    assert run.refresh().output == 2
    assert run.rerun().record.status is RunStatus.PENDING
