"""Runs that begin later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gorkflow.engine.planner import Outcome
from gorkflow.errors import ConcurrencyLimitError
from gorkflow.queries import RunFilter
from gorkflow.records import RunRecord
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import WorkflowStore
from gorkflow.testing.contracts.kit import (
    CHAIN,
    DIAMOND,
    Contract,
    error,
    graph_of,
    new_run,
    planner_of,
    taker,
)

SOON = 0.3
LATER = 3600.0


class PostponingContract(Contract):
    """What a `run_at` promises."""

    def postpone(self, store: WorkflowStore, seconds: float = LATER, **changes: Any) -> RunRecord:
        """Create a run that begins in so many seconds."""
        changes.setdefault("graph", CHAIN)
        run_at = store.now() + timedelta(seconds=seconds)
        record, _ = store.create_run(new_run(changes.pop("graph"), run_at=run_at, **changes))
        return record

    def told(self, store: WorkflowStore) -> list[object]:
        """Return the runs of which a sweep tells."""
        return [hint.run_id for hint in store.sweep(limit=100, resend_after=LATER).hints]

    def test_a_run_that_is_put_off_says_until_when_and_its_joins_wait_as_ever(
        self, store: WorkflowStore
    ) -> None:
        run_at = store.now() + timedelta(seconds=LATER)

        record, created = store.create_run(new_run(DIAMOND, run_at=run_at))

        steps = {step.step_id: step for step in store.get_steps(record.id)}
        assert created
        assert record == store.get_run(record.id)
        assert (record.status, record.run_at) == (RunStatus.PENDING, run_at)
        assert (steps["a"].due_at, steps["a"].ready_at) == (run_at, None)
        assert (steps["d"].pending_parents, steps["d"].due_at) == (2, None)

    def test_lists_say_it_too(self, store: WorkflowStore) -> None:
        record = self.postpone(store)
        at_once = self.create(store)

        listed = {run.id: run.run_at for run in store.list_runs(RunFilter()).runs}

        assert (listed[record.id], listed[at_once]) == (record.run_at, None)

    def test_nobody_can_claim_it_before_its_time_and_anybody_afterwards(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.postpone(store, SOON).id

        early = store.claim(run_id, taker())
        self.pass_time(store, 2 * SOON)
        claim = self.claim(store, run_id)

        assert early is None
        assert claim.started_run
        assert store.get_run(run_id).run_at is None
        (attempt,) = self.step(store, run_id, "a").attempts
        assert attempt.queued_at is not None

    def test_a_sweep_tells_of_it_as_soon_as_it_is_due_and_not_before(
        self, store: WorkflowStore
    ) -> None:
        record = self.postpone(store, SOON)

        early = self.told(store)
        self.pass_time(store, 2 * SOON)
        told, again = self.told(store), self.told(store)

        assert (early, told, again) == ([], [record.id], [])
        assert store.get_run(record.id).run_at is None
        assert self.step(store, record.id, "a").ready_at == record.run_at
        assert self.claim(store, record.id).step_id == "a"

    def test_its_timeout_counts_from_its_time(self, store: WorkflowStore) -> None:
        record = self.postpone(store, timeout=60.0)

        assert record.run_at is not None
        assert record.deadline_at == record.run_at + timedelta(seconds=60)
        assert store.get_run(record.id).deadline_at == record.deadline_at

    def test_until_its_time_it_takes_no_place_under_a_run_limit(self, store: WorkflowStore) -> None:
        first = self.postpone(store, SOON, run_limit=1).id
        second, third = (self.create(store, run_limit=1) for _ in range(2))

        self.run_all(store, second)
        self.pass_time(store, 2 * SOON)

        assert store.claim(third, taker()) is None
        assert self.claim(store, first).started_run

    def test_it_holds_its_concurrency_key_from_the_start(self, store: WorkflowStore) -> None:
        holder = self.postpone(store, concurrency_key="c", resource_id="order-1")

        with pytest.raises(ConcurrencyLimitError) as caught:
            self.create(store, concurrency_key="c", resource_id="order-1")

        assert caught.value.data["run_id"] == str(holder.id)

    def test_it_can_be_cancelled_and_a_retry_does_not_wait(self, store: WorkflowStore) -> None:
        run_id = self.postpone(store).id
        store.end_run(run_id, RunStatus.CANCELLED, error())
        cancelled = store.get_run(run_id)

        store.restart(run_id, lambda _run, steps: planner_of(CHAIN).restart(steps))

        assert cancelled.run_at is None
        assert store.get_run(run_id).run_at is None
        assert self.claim(store, run_id).step_id == "a"

    def test_every_first_step_waits_and_the_others_follow_as_ever(
        self, store: WorkflowStore
    ) -> None:
        graph = graph_of(a="", b="", c="a b")
        run_id = self.postpone(store, SOON, graph=graph).id

        assert store.claim(run_id, taker()) is None
        self.pass_time(store, 2 * SOON)
        self.run_all(store, run_id, graph)

        assert store.get_run(run_id).status is RunStatus.COMPLETED

    def test_a_failure_of_its_first_step_is_retried_as_ever(self, store: WorkflowStore) -> None:
        run_id = self.postpone(store, SOON).id
        self.pass_time(store, 2 * SOON)
        claim = self.claim(store, run_id)

        failed = Outcome(status=StepStatus.FAILED, error=error(), retryable=True)
        store.finish(claim, planner_of(CHAIN).finish(claim, failed, lambda: 0.0), None)

        assert self.step(store, run_id, "a").status is StepStatus.RETRYING
        assert store.get_run(run_id).run_at is None
