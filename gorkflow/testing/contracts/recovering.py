"""Heartbeats, leases that end, sweeps, and pruning."""

from __future__ import annotations

from uuid import uuid4

from gorkflow.engine.planner import Outcome
from gorkflow.errors import ErrorCode, NotFoundError
from gorkflow.statuses import TERMINAL_RUNS, RunStatus, StepStatus
from gorkflow.stores.base import Claim, Finished, Lease, Swept, WorkflowStore
from gorkflow.testing.contracts.kit import (
    CHAIN,
    Contract,
    error,
    graph_of,
    new_run,
    planner_of,
    taker,
)

SHORT = 0.05
LONG = 60.0


class RecoveringContract(Contract):
    """What `heartbeat`, `sweep` and `prune` promise."""

    def sweep(self, store: WorkflowStore, resend_after: float = LONG) -> Swept:
        """Sweep with a bound that no test reaches."""
        return store.sweep(limit=100, resend_after=resend_after)

    def lose(self, store: WorkflowStore, claim: Claim) -> Finished:
        """Finish a claim as the sweep does when its lease has ended."""
        return store.finish(claim, planner_of(CHAIN).lost(claim), None)

    def test_a_heartbeat_renews_the_lease_and_stores_progress(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id, lease=SHORT)

        held = store.heartbeat({claim.lease: (0.5, "half")}, LONG)

        step = self.step(store, run_id, "a")
        assert held == {claim.lease}
        assert (step.progress, step.progress_note) == (0.5, "half")
        assert step.due_at is not None
        assert (step.due_at - store.now()).total_seconds() > LONG / 2
        assert 0.1 < store.get_run(run_id).progress < 0.2

    def test_a_heartbeat_tells_which_leases_are_lost(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id)
        stranger = Lease(claim.row_id, uuid4())

        held = store.heartbeat({claim.lease: None, stranger: None}, LONG)
        store.end_run(run_id, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))
        afterwards = store.heartbeat({claim.lease: None}, LONG)

        assert (held, afterwards) == ({claim.lease}, set())

    def test_a_sweep_tells_when_the_next_lease_ends(self, store: WorkflowStore) -> None:
        for lease in (LONG, LONG / 2):
            self.claim(store, self.create(store), lease=lease)

        soon = store.sweep(limit=100, resend_after=LONG, ahead=LONG)
        far = store.sweep(limit=100, resend_after=LONG, ahead=LONG / 10)

        assert soon.next_end is not None
        assert LONG / 4 < soon.next_end <= LONG / 2
        assert far.next_end is None

    def test_a_step_whose_lease_has_ended_is_found_and_runs_again(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)
        dead = self.claim(store, run_id, lease=SHORT)
        self.pass_time(store, 2 * SHORT)

        (found,) = self.sweep(store).expired
        lost = self.lose(store, found)

        step = self.step(store, run_id, "a")
        again = self.claim(store, run_id)
        assert (found.step_id, found.token, lost.accepted) == ("a", dead.token, True)
        assert (step.status, step.crashes, step.failures) == (StepStatus.RETRYING, 1, 0)
        assert step.error is not None
        assert step.error.code is ErrorCode.WORKER_LOST
        assert again.attempt == 2

    def test_the_late_result_of_a_lost_worker_is_refused(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        dead = self.claim(store, run_id, lease=SHORT)
        self.pass_time(store, 2 * SHORT)
        self.lose(store, dead)

        late = self.finish(store, dead)
        again = self.claim(store, run_id)

        assert not late.accepted
        assert not self.finish(store, dead).accepted
        assert self.finish(store, again).accepted
        attempts = self.step(store, run_id, "a").attempts
        assert [each.status for each in attempts] == [StepStatus.FAILED, StepStatus.COMPLETED]

    def test_a_result_that_comes_before_anybody_took_the_step_away_counts(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)
        slow = self.claim(store, run_id, lease=SHORT)
        self.pass_time(store, 2 * SHORT)

        finished = self.finish(store, slow)

        assert finished.accepted
        assert not self.lose(store, slow).accepted

    def test_a_renewed_lease_is_not_taken_away(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id, lease=SHORT)
        self.pass_time(store, 2 * SHORT)
        store.heartbeat({claim.lease: None}, LONG)

        assert not self.lose(store, claim).accepted
        assert self.statuses(store, run_id) == {"a": StepStatus.RUNNING}

    def test_a_lost_step_is_taken_away_once(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id, lease=SHORT)
        self.pass_time(store, 2 * SHORT)

        assert self.lose(store, claim).accepted
        assert not self.lose(store, claim).accepted
        assert self.step(store, run_id, "a").crashes == 1

    def test_a_sweep_leaves_alone_what_is_in_good_hands(self, store: WorkflowStore) -> None:
        self.claim(store, self.create(store))
        self.create(store)

        swept = self.sweep(store)

        assert (list(swept.hints), list(swept.expired), list(swept.overdue)) == ([], [], [])

    def test_work_that_nobody_took_is_told_of_again_but_not_at_every_sweep(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store)
        self.pass_time(store, 2 * SHORT)

        first = self.sweep(store, resend_after=SHORT)
        second = self.sweep(store, resend_after=LONG)

        assert [(hint.run_id, hint.queue) for hint in first.hints] == [(run_id, "celery")]
        assert list(second.hints) == []
        assert self.claim(store, run_id).step_id == "a"

    def test_a_retry_that_is_due_is_told_of_at_once(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.claim(store, run_id, lease=SHORT)
        self.pass_time(store, 2 * SHORT)
        self.lose(store, self.sweep(store).expired[0])
        self.pass_time(store, 0.01)

        hints = self.sweep(store).hints

        assert [hint.run_id for hint in hints] == [run_id]

    def test_a_run_that_waits_for_a_slot_is_not_told_of(self, store: WorkflowStore) -> None:
        self.claim(store, self.create(store, run_limit=1))
        self.create(store, run_limit=1)
        self.pass_time(store, 2 * SHORT)

        assert list(self.sweep(store, resend_after=SHORT).hints) == []

    def test_a_run_past_its_deadline_is_found(self, store: WorkflowStore) -> None:
        run_id = self.create(store, timeout=SHORT)
        self.create(store, timeout=LONG)
        self.pass_time(store, 2 * SHORT)

        assert list(self.sweep(store).overdue) == [run_id]

    def test_a_step_of_a_failed_run_whose_worker_is_lost_ends(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        claim = self.claim(store, run_id, lease=SHORT)
        failed = planner_of(CHAIN).finish(
            claim, Outcome(status=StepStatus.FAILED, error=error(), retryable=False)
        )
        assert failed.run_error is not None
        store.finish(claim, failed, None)
        self.pass_time(store, 2 * SHORT)

        assert list(self.sweep(store).expired) == []

    def test_pruning_deletes_old_ended_runs_in_batches_and_nothing_else(
        self, store: WorkflowStore
    ) -> None:
        ended = [self.create(store) for _ in range(3)]
        for run_id in ended:
            self.run_all(store, run_id)
        active = self.create(store)
        self.pass_time(store, SHORT)

        counts = [store.prune(older_than=0.01, statuses=TERMINAL_RUNS, limit=2) for _ in range(3)]

        assert counts == [2, 1, 0]
        assert store.get_run(active).id == active
        for run_id in ended:
            assert not self.exists(store, run_id)

    def test_pruning_spares_young_runs_and_other_statuses(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.run_all(store, run_id)
        self.pass_time(store, SHORT)

        assert store.prune(older_than=LONG, statuses=TERMINAL_RUNS, limit=9) == 0
        assert store.prune(older_than=0.01, statuses=[RunStatus.FAILED], limit=9) == 0
        assert self.exists(store, run_id)

    def test_pruning_waits_for_a_step_that_outlasts_its_run(self, store: WorkflowStore) -> None:
        graph = graph_of(a="", b="")
        run_id = self.create(store, graph)
        failing, running = (self.claim(store, run_id) for _ in range(2))
        self.finish(store, failing, graph, status=StepStatus.FAILED, error=error(), retryable=False)
        self.pass_time(store, SHORT)

        assert store.get_run(run_id).status is RunStatus.FAILED
        assert store.prune(older_than=0.01, statuses=TERMINAL_RUNS, limit=9) == 0
        assert self.finish(store, running, graph).accepted
        assert store.prune(older_than=0.01, statuses=TERMINAL_RUNS, limit=9) == 1

    def test_a_pruned_runs_idempotency_key_is_free_again(self, store: WorkflowStore) -> None:
        self.run_all(store, self.create(store, idempotency_key="k"))
        self.pass_time(store, SHORT)
        store.prune(older_than=0.01, statuses=TERMINAL_RUNS, limit=9)

        _, created = store.create_run(new_run(idempotency_key="k"))

        assert created

    def test_a_fresh_token_claims_what_was_given_back(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.finish(store, self.claim(store, run_id), status=StepStatus.PENDING)

        fresh = taker()
        claim = store.claim(run_id, fresh)

        assert claim is not None
        assert claim.token == fresh.token

    def exists(self, store: WorkflowStore, run_id: object) -> bool:
        """Tell whether the store knows the run."""
        try:
            store.get_run(run_id)  # type: ignore[arg-type]
        except NotFoundError:
            return False
        return True
