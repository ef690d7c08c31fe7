"""Claiming steps."""

from __future__ import annotations

import pytest

from gorkflow.config import ExecutionConfig
from gorkflow.errors import ErrorCode, NotFoundError
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import NewStep, WorkflowStore
from gorkflow.testing.contracts.kit import (
    DIAMOND,
    Contract,
    error,
    graph_of,
    new_run,
    taker,
)

FAN = graph_of(a="", b="", c="")


class ClaimingContract(Contract):
    """What `claim` promises."""

    def test_a_claim_holds_the_step_and_begins_the_run(self, store: WorkflowStore) -> None:
        run_id = self.create(store)

        claim = self.claim(store, run_id)

        step = self.step(store, run_id, "a")
        assert (claim.step_id, claim.attempt, claim.started_run) == ("a", 1, True)
        assert (step.status, step.attempt, step.worker) == (StepStatus.RUNNING, 1, "contract:1")
        assert step.started_at is not None
        assert store.get_run(run_id).status is RunStatus.RUNNING
        assert store.get_run(run_id).started_at is not None

    def test_a_held_step_is_not_claimed_again(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.claim(store, run_id)

        assert store.claim(run_id, taker()) is None

    def test_an_unknown_run_gives_nothing_to_claim(self, store: WorkflowStore) -> None:
        assert store.claim(new_run().id, taker()) is None

    def test_a_run_that_is_begun_at_once_is_as_if_it_was_created_and_claimed(
        self, store: WorkflowStore
    ) -> None:
        self.create(store, DIAMOND)  # so that the graph is known
        new = new_run(DIAMOND)

        begun = store.begin_run(new, taker())

        if begun is None:
            pytest.skip("this store does that in two acts")
        record, claim = begun
        step = self.step(store, record.id, "a")
        assert (claim.step_id, claim.attempt, claim.started_run) == ("a", 1, True)
        assert (step.status, step.attempt, step.worker) == (StepStatus.RUNNING, 1, "contract:1")
        assert store.heartbeat({claim.lease: None}, 60.0) == {claim.lease}
        assert self.statuses(store, record.id) == {"a": "RUNNING", "d": "PENDING"}
        run = store.get_run(record.id)
        assert run.status is RunStatus.RUNNING
        assert run.started_at is not None
        assert self.finish(store, claim, DIAMOND, take=taker()).claim is not None

    def test_a_run_of_a_graph_that_the_taker_has_no_code_of_is_not_begun(
        self, store: WorkflowStore
    ) -> None:
        self.create(store)
        new = new_run()

        assert store.begin_run(new, taker(refuse=lambda _candidate: "")) is None
        with pytest.raises(NotFoundError):
            store.get_run(new.id)

    def test_steps_of_another_queue_are_left_alone(self, store: WorkflowStore) -> None:
        run_id = self.create(store, steps=[NewStep(step_id="a", position=0, queue="gpu")])

        assert store.claim(run_id, taker(queue="celery")) is None
        assert self.claim(store, run_id, queue="gpu").queue == "gpu"

    def test_a_claim_tells_whether_another_step_is_due(self, store: WorkflowStore) -> None:
        run_id = self.create(store, FAN)

        claims = [self.claim(store, run_id) for _ in range(3)]

        assert [claim.more for claim in claims] == [True, True, False]

    def test_steps_of_another_queue_are_no_more_for_the_taker(self, store: WorkflowStore) -> None:
        queues = {"a": "cpu", "b": "gpu", "c": "cpu"}
        steps = [NewStep(step_id=name, position=0, queue=queues[name]) for name in queues]
        run_id = self.create(store, FAN, steps=steps)

        assert not self.claim(store, run_id, queue="gpu").more

    def test_a_join_is_not_claimable_while_a_parent_is_missing(self, store: WorkflowStore) -> None:
        run_id = self.create(store, DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)

        assert self.claim(store, run_id).step_id == "c"
        assert store.claim(run_id, taker()) is None

    def test_a_refused_step_burns_no_attempt_and_does_not_begin_the_run(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)

        assert store.claim(run_id, taker(refuse=lambda _candidate: "no code")) is None

        assert self.step(store, run_id, "a").attempt == 0
        assert store.get_run(run_id).status is RunStatus.PENDING

    def test_a_step_tells_why_it_was_refused_until_it_is_claimed(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)

        assert store.claim(run_id, taker(refuse=lambda _candidate: "no code")) is None

        assert self.step(store, run_id, "a").progress_note == "no code"
        self.claim(store, run_id)
        assert self.step(store, run_id, "a").progress_note == ""

    def test_progress_of_an_attempt_that_is_over_is_not_why_its_step_waits(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id)
        store.heartbeat({claim.lease: (0.5, "half")}, 60.0)

        self.finish(store, claim, status=StepStatus.PENDING)

        step = self.step(store, run_id, "a")
        assert (step.progress, step.progress_note) == (0.0, "")

    def test_a_refused_step_does_not_hide_one_that_is_accepted(self, store: WorkflowStore) -> None:
        run_id = self.create(store, FAN)

        claim = self.claim(
            store, run_id, refuse=lambda candidate: "" if candidate.step_id == "c" else "no"
        )

        assert claim.step_id == "c"

    def test_no_more_steps_run_at_once_than_the_run_allows(self, store: WorkflowStore) -> None:
        run_id = self.create(store, FAN, step_limit=2)
        first = self.claim(store, run_id)
        self.claim(store, run_id)

        assert store.claim(run_id, taker()) is None
        assert self.finish(store, first, FAN, take=taker()).claim is not None

    def test_runs_beyond_the_workflows_limit_wait_and_are_let_in_in_order(
        self, store: WorkflowStore
    ) -> None:
        first, second, third = (self.create(store, run_limit=1) for _ in range(3))
        held = self.claim(store, first)

        assert store.claim(third, taker()) is None
        assert store.claim(second, taker()) is None
        ended = self.finish(store, held, status=StepStatus.FAILED, error=error(), retryable=False)

        assert {hint.run_id for hint in ended.wake} == {second}
        assert store.claim(third, taker()) is None
        assert self.claim(store, second).run_id == second

    def test_a_run_limit_does_not_stop_a_run_that_is_under_way(self, store: WorkflowStore) -> None:
        first = self.create(store, run_limit=1)
        self.create(store, run_limit=1)

        self.run_all(store, first)

        assert store.get_run(first).status is RunStatus.COMPLETED

    def test_a_run_past_its_deadline_starts_nothing(self, store: WorkflowStore) -> None:
        run_id = self.create(store, timeout=0.02)
        self.pass_time(store, 0.05)

        assert store.claim(run_id, taker()) is None

    def test_an_ended_run_starts_nothing(self, store: WorkflowStore) -> None:
        run_id = self.create(store, FAN)
        store.end_run(run_id, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))

        assert store.claim(run_id, taker()) is None

    def test_a_retry_is_not_claimable_before_it_is_due(self, store: WorkflowStore) -> None:
        graph = graph_of(a="", config=ExecutionConfig(retry_delay=0.1, jitter=0.0))
        run_id = self.create(store, graph)
        self.finish(
            store, self.claim(store, run_id), graph, status=StepStatus.FAILED, error=error()
        )

        assert store.claim(run_id, taker()) is None
        self.pass_time(store, 0.15)
        assert self.claim(store, run_id).attempt == 2
