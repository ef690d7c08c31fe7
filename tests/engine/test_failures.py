"""What becomes of a run whose steps fail."""

import threading
import time

import pytest
from pydantic import BaseModel, Field

from gorkflow import (
    ExecutionConfig,
    NonRetryableError,
    PayloadError,
    RunStatus,
    StepContext,
    WorkflowBuilder,
    step,
)
from gorkflow.errors import ErrorCode, RunFailedError
from tests.engine.conftest import statuses


class Order(BaseModel):
    quantity: int = Field(gt=0)


def failing(times, error=ValueError, **options):
    """Return a step that fails so many times, then puts out the number of its attempt."""

    @step(**{"retry_delay": 0, **options})
    def flaky(ctx: StepContext, _n: int) -> int:
        if ctx.attempt <= times:
            raise error(f"attempt {ctx.attempt}")
        return ctx.attempt

    return flaky


@step
def increment(n: int) -> int:
    return n + 1


def test_a_step_that_fails_is_tried_again_and_every_attempt_is_recorded(lab):
    run = lab.run(WorkflowBuilder("w").then(failing(2, max_retries=3)), 0)

    (record,) = run.steps(attempts=True)
    assert run.output == 3
    assert [(each.number, str(each.status)) for each in record.attempts] == [
        (1, "FAILED"),
        (2, "FAILED"),
        (3, "COMPLETED"),
    ]
    assert [each.error and each.error.message for each in record.attempts] == [
        "attempt 1",
        "attempt 2",
        None,
    ]
    assert "raise error" in record.attempts[0].error.traceback


def test_exhausted_retries_fail_the_run_and_the_rest_never_starts(lab):
    run = lab.run(WorkflowBuilder("w").then(failing(9, max_retries=2)).then(increment), 0)

    assert run.status is RunStatus.FAILED
    assert (run.error.code, run.error.step_id) == (ErrorCode.EXECUTION_FAILED, "flaky")
    assert (run.error.message, run.error.attempt) == ("attempt 3", 3)
    assert statuses(run) == {"flaky": "FAILED", "increment": "CANCELLED"}
    with pytest.raises(RunFailedError, match="attempt 3"):
        _ = run.output


def test_a_non_retryable_error_fails_at_once(lab):
    run = lab.run(WorkflowBuilder("w").then(failing(9, NonRetryableError, max_retries=5)), 0)

    assert run.steps()[0].attempt == 1


def test_only_the_errors_named_are_retried(lab):
    named = lab.run(WorkflowBuilder("a").then(failing(1, OSError, retry_on=(OSError,))), 0)
    other = lab.run(WorkflowBuilder("b").then(failing(1, KeyError, retry_on=(OSError,))), 0)
    barred = lab.run(WorkflowBuilder("c").then(failing(1, OSError, no_retry_on=(OSError,))), 0)

    assert [run.status for run in (named, other, barred)] == [
        RunStatus.COMPLETED,
        RunStatus.FAILED,
        RunStatus.FAILED,
    ]


def test_an_input_that_does_not_fit_is_refused_at_start_and_nothing_is_stored(lab):
    @step
    def take(order: Order) -> int:
        return order.quantity

    with pytest.raises(PayloadError) as caught:
        lab.run(WorkflowBuilder("w").then(take), {"quantity": 0})

    assert caught.value.errors[0]["loc"] == ["quantity"]
    assert "'w'" in str(caught.value)
    assert lab.engine.list_runs().runs == ()


def test_an_output_that_does_not_fit_fails_the_step_without_a_retry(lab):
    @step(max_retries=5)
    def wrong(_n: int) -> Order:
        return {"quantity": -1}

    run = lab.run(WorkflowBuilder("w").then(wrong), 1)

    assert (run.error.code, run.error.attempt) == (ErrorCode.VALIDATION_ERROR, 1)
    assert run.error.errors[0]["loc"] == ["quantity"]


def test_a_step_may_opt_out_of_validation(lab):
    @step(validate=False)
    def loose(n: int) -> int:
        return f"not a number but {n}"

    @step(validate=False)
    def end(n: int) -> int:
        return [n]

    run = lab.run(WorkflowBuilder("w").sequence(loose, end), 1)

    assert lab.engine.store.load(run.id, run_output=True).output == '["not a number but 1"]'


@pytest.mark.parametrize(
    "raised", [SystemExit(3), RecursionError("deep"), BaseException("odd"), MemoryError()]
)
def test_whatever_a_handler_raises_is_contained(lab, raised):
    @step(max_retries=0)
    def broken(_n: int) -> int:
        raise raised

    run = lab.run(WorkflowBuilder("w").then(broken), 1)

    assert run.status is RunStatus.FAILED
    assert run.error.code in (ErrorCode.PANIC, ErrorCode.EXECUTION_FAILED)


def test_an_error_that_cannot_be_printed_or_stored_is_stored_all_the_same(lab):
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError

    @step(max_retries=0)
    def mute(_n: int) -> int:
        raise MuteError

    @step(max_retries=0)
    def odd(_n: int) -> int:
        raise ValueError("nul \x00 surrogate \ud800 " + "x" * 10_000)

    assert lab.run(WorkflowBuilder("a").then(mute), 1).error.message == "MuteError"
    message = lab.run(WorkflowBuilder("b").then(odd), 1).error.message
    assert message.startswith("nul \\x00 surrogate \\ud800 xxx")
    assert len(message) == 2000


def test_an_attempt_that_takes_too_long_is_ended(lab):
    @step(max_retries=0, timeout=0.05)
    def endless(_n: int) -> int:
        while True:
            time.sleep(0.001)

    run = lab.run(WorkflowBuilder("w").then(endless), 1)

    assert (run.error.code, run.error.step_id) == (ErrorCode.TIMEOUT, "endless")


def test_a_timeout_interrupts_a_blocking_call_and_passes_except_exception(lab):
    @step(max_retries=0, timeout=0.05)
    def stubborn(_n: int) -> int:
        try:
            time.sleep(30)
        except Exception:  # noqa: BLE001
            return 0
        return 1

    assert lab.run(WorkflowBuilder("w").then(stubborn), 1).error.code is ErrorCode.TIMEOUT


def test_a_timeout_works_in_another_thread(lab):
    @step(max_retries=0, timeout=0.05)
    def endless(_n: int) -> int:
        while True:
            time.sleep(0.001)

    runs = []

    def work():
        runs.append(lab.run(WorkflowBuilder("w").then(endless), 1))
        lab.engine.store.release()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)

    assert runs[0].error.code is ErrorCode.TIMEOUT


def test_a_tolerated_failure_is_none_in_a_tuple(lab):
    bad = failing(9, max_retries=0, continue_on_error=True)

    @step
    def join(both: tuple[int | None, int]) -> list[int | None]:
        return list(both)

    run = lab.run(WorkflowBuilder("w").parallel(bad, increment).then(join), 1)

    assert run.output == [None, 2]
    assert statuses(run)["flaky"] == "FAILED"


def test_a_tolerated_failure_is_missing_by_id(lab):
    bad = failing(9, max_retries=0, continue_on_error=True)

    @step
    def join(both: dict[str, int]) -> dict[str, int]:
        return both

    run = lab.run(WorkflowBuilder("w").parallel(bad, increment).then(join), 1)

    assert run.output == {"increment": 2}


def test_the_workflows_config_holds_for_steps_that_set_none(lab):
    builder = WorkflowBuilder("w", config=ExecutionConfig(max_retries=0, retry_delay=0))
    mine = lab.run(builder.then(failing(1, max_retries=1)), 0)
    builder = WorkflowBuilder("v", config=ExecutionConfig(max_retries=0, retry_delay=0))
    theirs = lab.run(builder.then(failing(1)), 0)

    assert (mine.status, theirs.status) == (RunStatus.COMPLETED, RunStatus.FAILED)


def test_a_payload_over_the_limit_is_refused_at_start(lab):
    limit = lab.engine.config.max_payload_bytes

    @step
    def same(text: str) -> str:
        return text

    with pytest.raises(PayloadError, match=f"{limit:,}"):
        lab.run(WorkflowBuilder("w").then(same), "x" * (limit + 1))


def test_a_run_past_its_timeout_fails(lab):
    @step(retry_delay=0.05, jitter=0, max_retries=1000)
    def never(_n: int) -> int:
        raise ValueError

    run = lab.run(WorkflowBuilder("w", run_timeout=0.3).then(never), 1)

    assert (run.status, run.error.code) == (RunStatus.FAILED, ErrorCode.TIMEOUT)
    assert statuses(run) == {"never": "CANCELLED"}


def test_a_synchronous_run_tells_no_worker_of_itself(lab):
    retried = failing(1, max_retries=1)

    run = lab.run(WorkflowBuilder("w").parallel(retried, increment), 1)

    assert run.status is RunStatus.COMPLETED
    assert list(lab.engine.dispatcher.hints) == []


def test_errors_named_for_the_workflow_hold_for_its_steps(lab):
    config = ExecutionConfig(no_retry_on=(OSError,), retry_delay=0)

    run = lab.run(WorkflowBuilder("w", config=config).then(failing(1, OSError)), 0)

    assert (run.status, run.error.attempt) == (RunStatus.FAILED, 1)


def test_the_runs_own_error_leaves_the_traceback_to_the_attempt(lab):
    run = lab.run(WorkflowBuilder("w").then(failing(9, max_retries=0)), 0)

    assert run.error.traceback == ""
    assert "ValueError" in run.steps()[0].error.traceback
