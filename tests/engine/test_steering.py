"""Starting, cancelling, retrying, rerunning, and the limits on runs."""

import pytest

from gorkflow import RunFilter, RunStatus, StepContext, WorkflowBuilder, step
from gorkflow.errors import (
    ConcurrencyLimitError,
    IdempotencyConflictError,
    InvalidStateError,
    NotFoundError,
    PayloadError,
    WaitTimeoutError,
)
from tests.engine.conftest import statuses

HEALTH = {"sick": True}


@step
def increment(n: int) -> int:
    return n + 1


@step(max_retries=0)
def sickly(n: int) -> int:
    if HEALTH["sick"]:
        raise ValueError("sick")
    return n


@pytest.fixture(autouse=True)
def _sick():
    HEALTH["sick"] = True


def chain():
    return WorkflowBuilder("w").sequence(increment, sickly, increment.with_(id="end"))


def hints(lab):
    return [(hint.run_id, hint.queue) for hint in lab.engine.dispatcher.hints]


def test_start_returns_at_once_with_one_message(lab):
    run = lab.start(chain(), 1, resource_id="r", tags={"a": "b"})

    assert (run.status, run.created, run.progress) == (RunStatus.PENDING, True, 0.0)
    assert hints(lab) == [(run.id, "celery")]
    assert statuses(run) == {"increment": "PENDING", "sickly": "PENDING", "end": "PENDING"}


def test_a_fan_out_sends_no_more_messages_than_can_be_of_use(lab):
    fan = [increment.with_(id=f"s{i}") for i in range(100)]

    lab.start(WorkflowBuilder("w").parallel(*fan), 1)

    assert len(hints(lab)) == lab.engine.config.max_messages


def test_whoever_finds_more_than_it_takes_calls_the_next(lab):
    fan = [increment.with_(id=f"s{i}") for i in range(4)]
    run = lab.start(WorkflowBuilder("w").parallel(*fan), 1)
    lab.engine.dispatcher.hints.clear()

    # Each has time for one step, and hands the rest over.
    for _ in range(4):
        lab.engine.work(run.id, queue="celery", budget=0)

    called, handed_over = 3, 3
    assert hints(lab) == [(run.id, "celery")] * (called + handed_over)


def test_the_same_idempotency_key_gives_the_same_run(lab):
    first = lab.start(chain(), 1, idempotency_key="k")
    second = lab.start(chain(), 1, idempotency_key="k")

    assert (second.id, second.created) == (first.id, False)
    assert len(hints(lab)) == 1


def test_an_idempotency_key_with_another_input_is_refused(lab):
    first = lab.start(chain(), 1, idempotency_key="k")

    with pytest.raises(IdempotencyConflictError) as caught:
        lab.start(chain(), 2, idempotency_key="k")

    assert caught.value.data["run_id"] == str(first.id)


def test_a_resource_can_be_held_by_one_run(lab):
    held = lab.start(chain(), 1, resource_id="r", concurrency_check=True)

    with pytest.raises(ConcurrencyLimitError, match=str(held.id)):
        lab.start(chain(), 1, resource_id="r", concurrency_check=True)

    held.cancel()
    assert lab.start(chain(), 1, resource_id="r", concurrency_check=True).created


def test_a_concurrency_check_needs_a_resource(lab):
    with pytest.raises(PayloadError, match="resource_id"):
        lab.start(chain(), 1, concurrency_check=True)


def test_an_unregistered_workflow_is_refused_at_start(lab):
    from gorkflow.definition.binding import using_engine

    with using_engine(lab.engine), pytest.raises(NotFoundError, match="register"):
        chain().build().start(1)


def test_a_mistyped_option_is_refused_with_the_right_name(lab):
    with pytest.raises(PayloadError, match="resource_id"):
        lab.start(chain(), 1, ressource_id="r")


def test_retry_continues_from_the_failed_step(lab):
    run = lab.run(chain(), 1)
    assert statuses(run) == {"increment": "COMPLETED", "sickly": "FAILED", "end": "CANCELLED"}

    HEALTH["sick"] = False
    run.retry()
    lab.engine.run_to_end(run.id)

    assert (run.refresh().status, run.output) == (RunStatus.COMPLETED, 3)
    assert {step.step_id: step.attempt for step in run.steps()} == {
        "increment": 1,
        "sickly": 2,
        "end": 1,
    }


def test_a_completed_run_is_neither_retried_nor_cancelled(lab):
    run = lab.run(WorkflowBuilder("w").then(increment), 1)

    for act in (run.retry, run.cancel):
        with pytest.raises(InvalidStateError, match="COMPLETED") as caught:
            act()
        assert caught.value.data["status"] is RunStatus.COMPLETED


def test_cancel_stops_what_has_not_begun(lab):
    @step
    def canceller(ctx: StepContext, n: int) -> int:
        lab.engine.cancel(ctx.run_id, reason="from inside")
        return n

    run = lab.run(WorkflowBuilder("w").then(canceller).then(increment), 1)

    assert (run.status, run.error.message) == (RunStatus.CANCELLED, "from inside")
    assert statuses(run) == {"canceller": "CANCELLED", "increment": "CANCELLED"}


def test_a_cancelled_run_can_be_retried(lab):
    HEALTH["sick"] = False
    run = lab.start(chain(), 1).cancel("later")

    run.retry()
    lab.engine.run_to_end(run.id)

    assert run.refresh().output == 3


def test_rerun_is_a_new_run_with_the_same_input_and_labels(lab):
    first = lab.run(chain(), 5, tags={"a": "b"}, resource_id="r")
    HEALTH["sick"] = False

    second = lab.engine.rerun(first.id)
    lab.engine.run_to_end(second.id)

    record = second.refresh().record
    assert (second.id != first.id, second.output) == (True, 7)
    assert (record.rerun_of, record.tags, record.resource_id) == (first.id, {"a": "b"}, "r")


def test_rerun_keeps_context_and_concurrency_check_and_says_who_asked(lab):
    builder = WorkflowBuilder("w", context={"rate": 1}).then(increment)
    first = lab.run(builder, 5, context={"rate": 2}, resource_id="r", concurrency_check=True)

    second = lab.engine.rerun(first.id, actor="ann")

    assert lab.engine.store.load(second.id, context=True).context.replace(" ", "") == '{"rate":2}'
    assert (second.record.started_by, second.record.concurrency_checked) == ("ann", True)
    with pytest.raises(ConcurrencyLimitError):
        lab.engine.rerun(first.id)


def test_rerun_may_be_given_another_input_which_is_checked(lab):
    first = lab.run(chain(), 5)

    second = lab.engine.rerun(first.id, input=7)

    assert lab.engine.store.load(second.id, run_input=True).input == "7"
    assert second.record.rerun_of == first.id
    with pytest.raises(PayloadError):
        lab.engine.rerun(first.id, input="many")


def test_rerun_with_one_idempotency_key_makes_one_run(lab):
    first = lab.run(chain(), 5)

    again = [lab.engine.rerun(first.id, input=6, idempotency_key="k") for _ in range(2)]

    assert again[0].id == again[1].id
    assert [each.created for each in again] == [True, False]
    assert [each.kind for each in lab.engine.get_events(first.id)] == ["RERUN"]
    with pytest.raises(IdempotencyConflictError):
        lab.engine.rerun(first.id, input=7, idempotency_key="k")


def test_what_is_done_to_a_run_is_kept_with_who_did_it_and_why(lab):
    run = lab.run(chain(), 1)
    second = lab.engine.rerun(run.id, actor="ann", reason="to compare")
    lab.engine.retry(run.id, actor="bob", reason="the bank is awake")
    lab.engine.cancel(run.id, actor="cron", reason="too late")

    events = lab.engine.get_events(run.id)

    assert [(each.kind, each.actor, each.reason) for each in events] == [
        ("RERUN", "ann", "to compare"),
        ("RETRY", "bob", "the bank is awake"),
        ("CANCEL", "cron", "too late"),
    ]
    assert events[0].data == {"run_id": str(second.id)}
    error = {"code": "EXECUTION_FAILED", "step_id": "sickly", "attempt": 1}
    ended_at = run.record.ended_at.isoformat()
    assert events[1].data == {"status": "FAILED", "ended_at": ended_at, "error": error}
    assert second.record.started_by == "ann"
    assert lab.engine.get_run(run.id).error.message == "too late"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"actor": "x" * 256}, "actor must have at most 255 characters, not 256"),
        ({"reason": "x" * 501}, "reason must have at most 500 characters, not 501"),
        ({"reason": "\x00" * 126}, "at most 500"),
        ({"actor": None}, "actor must be text, not NoneType"),
        ({"reason": 7}, "reason must be text, not int"),
    ],
)
def test_an_act_whose_words_cannot_be_kept_is_refused_and_changes_nothing(lab, words, message):
    failed, waiting = lab.run(chain(), 1), lab.start(chain(), 1)

    for act, run in (
        (lab.engine.cancel, waiting),
        (lab.engine.retry, failed),
        (lab.engine.rerun, failed),
    ):
        with pytest.raises(PayloadError, match=message) as caught:
            act(run.id, **words)
        assert caught.value.errors[0]["loc"] == list(words)
        assert lab.engine.get_events(run.id) == []

    assert [waiting.refresh().status, failed.refresh().status] == ["PENDING", "FAILED"]


def test_words_that_no_database_takes_are_spelt_out(lab):
    run = lab.start(chain(), 1).cancel("a\x00b", actor="\ud800")

    (event,) = lab.engine.get_events(run.id)
    assert (event.actor, event.reason) == ("\\ud800", "a\\x00b")


def test_unknown_runs_and_workflows_are_not_found(lab):
    from gorkflow.engine.starting import new_run_id

    for act in (lab.engine.get_run, lab.engine.cancel, lab.engine.retry, lab.engine.rerun):
        with pytest.raises(NotFoundError):
            act(new_run_id())
    lab.start(WorkflowBuilder("invoice").then(increment), 1)
    with pytest.raises(NotFoundError, match="invoice"):
        lab.engine.start("invoic", 1)


def test_runs_beyond_the_limit_are_admitted_one_by_one_in_order(lab):
    HEALTH["sick"] = False
    builder = WorkflowBuilder("w", max_concurrent_runs=1).sequence(increment, sickly)
    first, second, third = (lab.start(builder, n) for n in range(3))

    lab.engine.work(third.id)
    assert third.refresh().status is RunStatus.PENDING
    lab.engine.work(first.id)
    lab.engine.work(third.id)
    assert third.refresh().status is RunStatus.PENDING
    lab.engine.work(second.id)
    lab.engine.work(third.id)

    assert [run.refresh().status for run in (first, second, third)] == [RunStatus.COMPLETED] * 3


def test_the_end_of_a_run_sends_a_message_for_the_next_in_line(lab):
    HEALTH["sick"] = False
    builder = WorkflowBuilder("w", max_concurrent_runs=1).sequence(increment, sickly)
    first, second = lab.start(builder, 1), lab.start(builder, 2)
    lab.engine.dispatcher.hints.clear()

    lab.engine.work(first.id)

    assert hints(lab) == [(second.id, "celery")]


def test_steps_go_to_their_own_queues(lab):
    heavy = increment.with_(id="heavy", queue="gpu")
    run = lab.start(WorkflowBuilder("w").sequence(increment, heavy), 1)

    lab.engine.work(run.id, queue="celery")

    assert hints(lab) == [(run.id, "celery"), (run.id, "gpu")]
    assert statuses(run) == {"increment": "COMPLETED", "heavy": "PENDING"}
    lab.engine.work(run.id, queue="gpu")
    assert run.refresh().output == 3


def test_a_spent_budget_hands_the_run_over_by_a_message(lab):
    run = lab.start(chain(), 1)
    lab.engine.dispatcher.hints.clear()

    attempts = lab.engine.work(run.id, budget=0)

    assert attempts == 1
    assert (run.id, "celery") in hints(lab)
    assert statuses(run)["increment"] == "COMPLETED"


def test_a_worker_without_the_code_leaves_the_step_alone(lab):
    run = lab.start(chain(), 1)
    lab.engine.registry.unregister("w")

    assert lab.engine.work(run.id) == 0
    assert lab.engine.store.get_steps(run.id)[0].attempt == 0


def test_a_run_follows_the_graph_it_began_with(lab):
    HEALTH["sick"] = False
    run = lab.start(chain(), 1)
    lab.engine.registry.unregister("w")
    newer = WorkflowBuilder("w").sequence(
        increment, increment.with_(id="extra"), sickly, increment.with_(id="end")
    )
    lab.engine.registry.register(newer.build())

    lab.engine.run_to_end(run.id)

    assert [step.step_id for step in run.steps()] == ["increment", "sickly", "end"]
    assert run.refresh().output == 3


def test_waiting_gives_up_in_time_and_says_so(lab):
    run = lab.start(chain(), 1)

    with pytest.raises(WaitTimeoutError, match="PENDING"):
        run.wait(timeout=0.1)


def test_an_output_asked_for_too_early_names_the_status(lab):
    run = lab.start(chain(), 1)

    with pytest.raises(InvalidStateError, match="PENDING"):
        _ = run.output


def test_a_hundred_runs_at_once(lab):
    HEALTH["sick"] = False
    runs = [lab.start(chain(), n) for n in range(100)]

    for run in runs:
        lab.engine.work(run.id)

    page = lab.engine.list_runs(RunFilter(statuses=[RunStatus.COMPLETED], limit=200))
    assert len(page.runs) == 100
