"""Cancelling, failing from outside, and restarting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from gorkflow.definition.graph import ExecutionGraph
from gorkflow.errors import ConcurrencyLimitError, ErrorCode, InvalidStateError, NotFoundError
from gorkflow.records import RunRecord, StepRecord
from gorkflow.statuses import ActKind, RunStatus, StepStatus
from gorkflow.stores.base import NewEvent, Restart, WorkflowStore
from gorkflow.testing.contracts.kit import (
    CHAIN,
    DIAMOND,
    Contract,
    error,
    new_run,
    planner_of,
    taker,
)

CANCELLED = error(ErrorCode.CANCELLED, "not wanted")
FAILS: dict[str, Any] = {"status": StepStatus.FAILED, "error": error(), "retryable": False}


class SteeringContract(Contract):
    """What `end_run` and `restart` promise."""

    def test_cancelling_ends_the_run_and_every_unfinished_step(self, store: WorkflowStore) -> None:
        run_id = self.create(store, DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)
        self.claim(store, run_id)

        store.end_run(run_id, RunStatus.CANCELLED, CANCELLED)

        record = store.get_run(run_id)
        assert (record.status, record.error) == (RunStatus.CANCELLED, CANCELLED)
        assert record.ended_at is not None
        assert self.statuses(store, run_id) == {
            "a": StepStatus.COMPLETED,
            "b": StepStatus.CANCELLED,
            "c": StepStatus.CANCELLED,
            "d": StepStatus.CANCELLED,
        }

    def test_the_result_of_a_cancelled_step_is_refused(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id)
        store.end_run(run_id, RunStatus.CANCELLED, CANCELLED)

        finished = self.finish(store, claim, take=taker())

        assert not finished.accepted
        assert self.statuses(store, run_id) == {"a": StepStatus.CANCELLED}

    def test_an_ended_run_cannot_be_ended_again(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.run_all(store, run_id)

        with pytest.raises(InvalidStateError) as caught:
            store.end_run(run_id, RunStatus.CANCELLED, CANCELLED)

        assert caught.value.data["status"] is RunStatus.COMPLETED

    def test_an_unknown_run_cannot_be_steered(self, store: WorkflowStore) -> None:
        with pytest.raises(NotFoundError):
            store.end_run(new_run().id, RunStatus.CANCELLED, CANCELLED)

    def test_a_restart_keeps_what_is_done_and_runs_the_rest(self, store: WorkflowStore) -> None:
        run_id = self.create(store, DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND, **FAILS)

        restarted = self.restart(store, run_id, DIAMOND)
        self.run_all(store, run_id, DIAMOND)

        record = store.get_run(run_id)
        assert (restarted.status, restarted.error) == (RunStatus.PENDING, None)
        assert (record.status, record.failed_steps) == (RunStatus.COMPLETED, 0)
        assert [self.step(store, run_id, each).attempt for each in "abcd"] == [1, 1, 2, 1]
        attempts = self.step(store, run_id, "c").attempts
        assert [each.status for each in attempts] == [StepStatus.FAILED, StepStatus.COMPLETED]

    def test_a_restart_of_a_cancelled_run_starts_the_cancelled_step_anew(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)
        old = self.claim(store, run_id)
        store.end_run(run_id, RunStatus.CANCELLED, CANCELLED)

        self.restart(store, run_id)
        new = self.claim(store, run_id)

        assert new.attempt == 2
        assert not self.finish(store, old).accepted
        assert self.finish(store, new).accepted

    def test_a_sibling_still_running_at_the_restart_counts_for_the_join(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store, DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)
        running = self.claim(store, run_id)
        self.finish(store, self.claim(store, run_id), DIAMOND, **FAILS)

        self.restart(store, run_id, DIAMOND)
        self.finish(store, running, DIAMOND)
        self.run_all(store, run_id, DIAMOND)

        assert store.get_run(run_id).status is RunStatus.COMPLETED
        assert self.step(store, run_id, running.step_id).attempt == 1

    def test_a_restart_that_is_refused_changes_nothing(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.finish(store, self.claim(store, run_id), **FAILS)

        def refuse(_run: RunRecord, _steps: Sequence[StepRecord]) -> Restart:
            raise InvalidStateError("no")

        with pytest.raises(InvalidStateError):
            store.restart(run_id, refuse)

        assert store.get_run(run_id).status is RunStatus.FAILED

    def test_a_restart_is_refused_while_another_run_holds_the_resource(
        self, store: WorkflowStore
    ) -> None:
        first = self.create(store, concurrency_key="c")
        self.finish(store, self.claim(store, first), **FAILS)
        second = self.create(store, concurrency_key="c")

        with pytest.raises(ConcurrencyLimitError) as caught:
            self.restart(store, first)

        assert caught.value.data["run_id"] == str(second)
        assert store.get_run(first).status is RunStatus.FAILED

    def test_acts_are_recorded_with_what_they_do_and_kept_in_order(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)
        cancel = NewEvent(kind=ActKind.CANCEL, actor="ann", reason="é\n' --")
        retry = NewEvent(kind=ActKind.RETRY, actor="cron", data={"status": "CANCELLED", "n": [1]})
        before = store.now()

        store.end_run(run_id, RunStatus.CANCELLED, CANCELLED, event=cancel)
        store.restart(
            run_id, lambda _run, steps: replace(planner_of(CHAIN).restart(steps), event=retry)
        )

        first, second = store.get_events(run_id)
        assert (first.run_id, first.kind, first.actor) == (run_id, ActKind.CANCEL, "ann")
        assert (first.reason, first.data) == ("é\n' --", {})
        assert (second.kind, second.actor, second.reason) == (ActKind.RETRY, "cron", "")
        assert second.data == {"status": "CANCELLED", "n": [1]}
        assert before <= first.at <= second.at <= store.now()

    def test_an_act_that_is_refused_leaves_no_event(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.run_all(store, run_id)

        with pytest.raises(InvalidStateError):
            store.end_run(
                run_id, RunStatus.CANCELLED, CANCELLED, event=NewEvent(kind=ActKind.CANCEL)
            )

        assert store.get_events(run_id) == []

    def test_a_rerun_is_recorded_with_the_run_it_reruns(self, store: WorkflowStore) -> None:
        first = self.create(store)
        event = NewEvent(kind=ActKind.RERUN, actor="ann", data={"x": "1"})

        second = self.create(store, rerun_of=first, rerun_event=event)

        (kept,) = store.get_events(first)
        assert (kept.kind, kept.actor, kept.data) == (ActKind.RERUN, "ann", {"x": "1"})
        assert store.get_events(second) == []
        assert store.get_run(second).rerun_of == first

    def test_work_without_acts_leaves_no_events(self, store: WorkflowStore) -> None:
        run_id = self.create(store, started_by="ann")

        self.run_all(store, run_id)

        assert store.get_events(run_id) == []
        assert store.get_events(new_run().id) == []

    def restart(
        self, store: WorkflowStore, run_id: UUID, graph: ExecutionGraph = CHAIN
    ) -> RunRecord:
        """Restart a run as the planner decides."""
        planner = planner_of(graph)
        return store.restart(run_id, lambda _run, steps: planner.restart(steps))
