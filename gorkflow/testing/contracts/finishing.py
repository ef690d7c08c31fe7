"""Finishing steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

from gorkflow.config import ExecutionConfig
from gorkflow.errors import ErrorCode
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import WorkflowStore
from gorkflow.testing.contracts.kit import (
    CHAIN,
    DIAMOND,
    Contract,
    error,
    graph_of,
    taker,
)

TWO_SINKS = graph_of(a="", b="a", c="a")
TOLERANT = graph_of(a="", b="", c="a b", config=ExecutionConfig(continue_on_error=True))
PATIENT = graph_of(a="", config=ExecutionConfig(retry_delay=30.0, jitter=0.0))


class FinishingContract(Contract):
    """What `finish` promises."""

    def test_a_finish_stores_the_output_and_claims_the_next_step(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)

        finished = self.finish(store, self.claim(store, run_id), take=taker())

        assert finished.accepted
        assert finished.claim is not None
        assert (finished.claim.step_id, finished.ready) == ("b", [])
        assert store.load(run_id, outputs=["a"]).outputs["a"].output == '"a"'
        assert self.statuses(store, run_id) == {
            "a": StepStatus.COMPLETED,
            "b": StepStatus.RUNNING,
        }

    def test_without_a_taker_the_next_step_is_left_ready(self, store: WorkflowStore) -> None:
        run_id = self.create(store)

        finished = self.finish(store, self.claim(store, run_id))

        assert finished.claim is None
        assert list(finished.ready) == ["celery"]
        assert self.claim(store, run_id).step_id == "b"

    def test_the_last_step_completes_the_run_with_its_output(self, store: WorkflowStore) -> None:
        run_id = self.create(store)

        self.run_all(store, run_id)

        record = store.get_run(run_id)
        assert (record.status, record.progress) == (RunStatus.COMPLETED, 1.0)
        assert record.ended_at is not None
        assert store.load(run_id, run_output=True).output == '"c"'

    def test_several_sinks_give_an_object_by_step_id(self, store: WorkflowStore) -> None:
        run_id = self.create(store, TWO_SINKS)

        self.run_all(store, run_id, TWO_SINKS)

        output = store.load(run_id, run_output=True).output
        assert (output or "").replace(" ", "") == '{"b":"b","c":"c"}'

    def test_a_join_starts_when_its_last_parent_is_over(self, store: WorkflowStore) -> None:
        run_id = self.create(store, DIAMOND)
        after_a = self.finish(store, self.claim(store, run_id), DIAMOND, take=taker())
        assert after_a.claim is not None
        other = self.claim(store, run_id)
        assert (list(after_a.ready), other.step_id) == (["celery"], "c")

        one = self.finish(store, other, DIAMOND, take=taker())
        both = self.finish(store, after_a.claim, DIAMOND, take=taker())

        assert one.claim is None
        assert both.claim is not None
        assert both.claim.step_id == "d"

    def test_a_wrong_token_changes_nothing(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id)

        finished = self.finish(store, replace(claim, token=uuid4()))

        assert not finished.accepted
        assert self.statuses(store, run_id) == {"a": StepStatus.RUNNING}

    def test_a_failure_with_retries_left_is_due_later_and_leaves_a_record(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store, PATIENT)
        claim = self.claim(store, run_id)

        finished = self.finish(store, claim, PATIENT, status=StepStatus.FAILED, error=error())

        step = self.step(store, run_id, "a")
        assert finished.accepted
        assert (step.status, step.failures, step.attempt) == (StepStatus.RETRYING, 1, 1)
        assert step.due_at is not None
        assert 25 < (step.due_at - store.now()).total_seconds() < 35
        assert [(each.number, each.status) for each in step.attempts] == [(1, StepStatus.FAILED)]
        assert step.attempts[0].error == error()
        assert store.get_run(run_id).status is RunStatus.RUNNING

    def test_a_final_failure_fails_the_run_and_starts_nothing_more(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store, DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)
        running = self.claim(store, run_id)
        failing = self.claim(store, run_id)

        finished = self.finish(
            store,
            failing,
            DIAMOND,
            take=taker(),
            status=StepStatus.FAILED,
            error=error(),
            retryable=False,
        )

        record = store.get_run(run_id)
        assert (finished.ended_run, finished.claim) == (True, None)
        assert (record.status, record.error) == (RunStatus.FAILED, error())
        assert self.statuses(store, run_id) == {
            "a": StepStatus.COMPLETED,
            running.step_id: StepStatus.RUNNING,
            failing.step_id: StepStatus.FAILED,
            "d": StepStatus.CANCELLED,
        }

    def test_a_sibling_of_a_failed_step_keeps_its_result(self, store: WorkflowStore) -> None:
        run_id = self.create(store, DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)
        running = self.claim(store, run_id)
        fails: dict[str, Any] = {"status": StepStatus.FAILED, "error": error(), "retryable": False}
        self.finish(store, self.claim(store, run_id), DIAMOND, **fails)

        finished = self.finish(store, running, DIAMOND, take=taker())

        assert (finished.accepted, finished.ended_run, finished.claim) == (True, False, None)
        assert self.statuses(store, run_id)[running.step_id] is StepStatus.COMPLETED
        assert self.statuses(store, run_id)["d"] is StepStatus.CANCELLED

    def test_a_sibling_that_fails_after_the_run_is_not_retried(self, store: WorkflowStore) -> None:
        run_id = self.create(store, DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)
        running = self.claim(store, run_id)
        fails: dict[str, Any] = {"status": StepStatus.FAILED, "error": error(), "retryable": False}
        self.finish(store, self.claim(store, run_id), DIAMOND, **fails)

        self.finish(store, running, DIAMOND, status=StepStatus.FAILED, error=error())

        assert self.statuses(store, run_id)[running.step_id] is StepStatus.FAILED

    def test_a_tolerated_failure_lets_the_join_go_on(self, store: WorkflowStore) -> None:
        run_id = self.create(store, TOLERANT)
        fails: dict[str, Any] = {"status": StepStatus.FAILED, "error": error(), "retryable": False}
        self.finish(store, self.claim(store, run_id), TOLERANT, **fails)

        self.run_all(store, run_id, TOLERANT)

        record = store.get_run(run_id)
        outputs = store.load(run_id, outputs=["a", "b"]).outputs
        assert (record.status, record.failed_steps) == (RunStatus.COMPLETED, 1)
        assert (outputs["a"].status, outputs["a"].output) == (StepStatus.FAILED, None)

    def test_a_claim_given_back_burns_no_attempt(self, store: WorkflowStore) -> None:
        run_id = self.create(store)

        self.finish(store, self.claim(store, run_id), status=StepStatus.PENDING)

        step = self.step(store, run_id, "a")
        assert (step.status, step.attempt, step.attempts) == (StepStatus.PENDING, 0, ())
        assert self.claim(store, run_id).attempt == 1

    def test_state_is_stored_changed_and_deleted_with_the_step(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        first = self.finish(
            store, self.claim(store, run_id), take=taker(), state={"x": "1", "y": '"two"'}
        )
        assert first.claim is not None

        self.finish(store, first.claim, state={"x": "3", "y": None})

        assert store.load(run_id, state=True).state == {"x": "3"}

    def test_a_refused_finish_stores_no_state(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id)
        store.end_run(run_id, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))

        finished = self.finish(store, claim, state={"x": "1"})

        assert not finished.accepted
        assert store.load(run_id, state=True).state == {}

    def test_steps_are_listed_by_position(self, store: WorkflowStore) -> None:
        run_id = self.create(store, CHAIN)

        self.run_all(store, run_id)

        assert [step.position for step in store.get_steps(run_id)] == [0, 1, 2]
