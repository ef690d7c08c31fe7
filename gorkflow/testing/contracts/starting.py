"""Creating runs."""

from __future__ import annotations

import pytest

from gorkflow.errors import ConcurrencyLimitError
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import WorkflowStore
from gorkflow.testing.contracts.kit import DIAMOND, Contract, new_run, taker


class StartingContract(Contract):
    """What `create_run` promises."""

    def test_a_new_run_is_pending_and_has_what_it_was_given(self, store: WorkflowStore) -> None:
        new = new_run(resource_id="order-1", tags={"tenant": "acme", "a'b\"c": "é"}, priority=7)

        record, created = store.create_run(new)

        assert created
        assert record == store.get_run(new.id)
        assert record.status is RunStatus.PENDING
        assert (record.workflow_id, record.workflow_version) == ("contract", "1")
        assert (record.resource_id, record.priority) == ("order-1", 7)
        assert record.tags == {"tenant": "acme", "a'b\"c": "é"}
        assert record.fingerprint == new.fingerprint
        assert (record.total_steps, record.done_steps, record.progress) == (3, 0, 0.0)
        assert record.created_at is not None
        assert record.started_at is None

    def test_entry_steps_and_joins_have_rows_and_the_rest_does_not(
        self, store: WorkflowStore
    ) -> None:
        run_id = self.create(store, DIAMOND)

        steps = {step.step_id: step for step in store.get_steps(run_id)}

        assert list(steps) == ["a", "d"]
        assert steps["a"].due_at is not None
        assert (steps["d"].pending_parents, steps["d"].due_at) == (2, None)

    def test_payloads_come_back_as_the_same_json(self, store: WorkflowStore) -> None:
        run_id = self.create(store, input='{"n":1}', context='["x"]')

        loaded = store.load(run_id, run_input=True, context=True, graph=True)

        assert loaded.input.replace(" ", "") == '{"n":1}'
        assert loaded.context == '["x"]'
        assert loaded.graph.startswith("[")

    def test_a_known_idempotency_key_returns_the_first_run_unchanged(
        self, store: WorkflowStore
    ) -> None:
        first, _ = store.create_run(new_run(idempotency_key="k"))

        second, created = store.create_run(new_run(idempotency_key="k", resource_id="other"))

        assert not created
        assert second.id == first.id
        assert second.resource_id == ""

    def test_an_idempotency_key_belongs_to_one_workflow(self, store: WorkflowStore) -> None:
        self.create(store, idempotency_key="k")

        _, created = store.create_run(new_run(idempotency_key="k", workflow_id="another"))

        assert created

    def test_a_held_concurrency_key_is_refused_naming_the_holder(
        self, store: WorkflowStore
    ) -> None:
        holder = self.create(store, concurrency_key="c", resource_id="order-1")

        with pytest.raises(ConcurrencyLimitError) as caught:
            self.create(store, concurrency_key="c", resource_id="order-1")

        assert caught.value.data["run_id"] == str(holder)

    def test_the_end_of_a_run_frees_its_concurrency_key(self, store: WorkflowStore) -> None:
        holder = self.create(store, concurrency_key="c")
        self.run_all(store, holder)

        second = self.create(store, concurrency_key="c")

        assert store.get_run(second).status is RunStatus.PENDING

    def test_many_runs_have_many_ids_and_steps_of_their_own(self, store: WorkflowStore) -> None:
        first, second = self.create(store), self.create(store)

        store.claim(first, taker())

        assert self.statuses(store, first) == {"a": StepStatus.RUNNING}
        assert self.statuses(store, second) == {"a": StepStatus.PENDING}
