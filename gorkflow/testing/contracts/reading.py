"""Reading runs, lists of runs, steps and payloads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gorkflow.errors import NotFoundError
from gorkflow.records import RunFilter
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import WorkflowStore
from gorkflow.testing.contracts.kit import DIAMOND, Contract, new_run, taker


class ReadingContract(Contract):
    """What `get_run`, `list_runs`, `get_steps` and `load` promise."""

    def test_an_unknown_run_is_not_found(self, store: WorkflowStore) -> None:
        unknown = new_run().id

        with pytest.raises(NotFoundError):
            store.get_run(unknown)
        with pytest.raises(NotFoundError):
            store.load(unknown, run_input=True)

    def test_runs_are_listed_newest_first_in_pages(self, store: WorkflowStore) -> None:
        runs = [self.create(store) for _ in range(5)]

        first = store.list_runs(RunFilter(limit=2))
        self.create(store)
        second = store.list_runs(RunFilter(limit=2, cursor=first.next_cursor))
        third = store.list_runs(RunFilter(limit=2, cursor=second.next_cursor))

        pages = [[run.id for run in page.runs] for page in (first, second, third)]
        assert pages == [[runs[4], runs[3]], [runs[2], runs[1]], [runs[0]]]
        assert third.next_cursor is None

    def test_runs_are_found_by_each_of_their_marks(self, store: WorkflowStore) -> None:
        wanted = self.create(
            store,
            workflow_id="w",
            workflow_version="2",
            resource_id="r",
            tags={"tenant": "acme", "a b": "'; --"},
            started_by="ann",
        )
        self.create(store, tags={"tenant": "other"})

        for found_by in (
            RunFilter(workflow_id="w"),
            RunFilter(workflow_version="2"),
            RunFilter(resource_id="r"),
            RunFilter(tags={"tenant": "acme"}),
            RunFilter(tags={"a b": "'; --", "tenant": "acme"}),
            RunFilter(started_by="ann"),
            RunFilter(workflow_id="w", resource_id="r", statuses=[RunStatus.PENDING]),
        ):
            assert [run.id for run in store.list_runs(found_by).runs] == [wanted], found_by
        assert store.list_runs(RunFilter(tags={"tenant": "none"})).runs == ()

    def test_runs_are_found_by_status_and_time(self, store: WorkflowStore) -> None:
        done = self.create(store)
        self.run_all(store, done)
        waiting = self.create(store)
        now = store.now()

        ended = store.list_runs(RunFilter(statuses=[RunStatus.COMPLETED, RunStatus.FAILED]))
        recent = store.list_runs(RunFilter(created_after=now - timedelta(hours=1)))
        early = store.list_runs(RunFilter(created_before=now - timedelta(hours=1)))

        assert [run.id for run in ended.runs] == [done]
        assert {run.id for run in recent.runs} == {done, waiting}
        assert early.runs == ()

    def test_progress_counts_the_steps_that_are_over(self, store: WorkflowStore) -> None:
        run_id = self.create(store, DIAMOND)
        self.finish(store, self.claim(store, run_id), DIAMOND)

        (listed,) = store.list_runs(RunFilter()).runs

        assert (listed.done_steps, listed.total_steps, listed.progress) == (1, 4, 0.25)
        assert listed == store.get_run(run_id)

    def test_outputs_are_given_for_steps_that_are_over_only(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.finish(store, self.claim(store, run_id), output='{"é":[1,null]}')
        store.claim(run_id, taker())

        outputs = store.load(run_id, outputs=["a", "b", "c", "unknown"]).outputs

        assert list(outputs) == ["a"]
        assert (outputs["a"].output or "").replace(" ", "") == '{"é":[1,null]}'

    def test_a_skipped_step_has_its_default_or_nothing(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        second = self.finish(
            store, self.claim(store, run_id), status=StepStatus.SKIPPED, take=taker()
        ).claim
        assert second is not None
        self.finish(store, second, status=StepStatus.SKIPPED, output="null")

        outputs = store.load(run_id, outputs=["a", "b"]).outputs

        assert [outputs[each].output for each in "ab"] == [None, "null"]

    def test_attempts_are_read_only_when_asked_for(self, store: WorkflowStore) -> None:
        run_id = self.create(store)
        self.claim(store, run_id)

        (plain,) = store.get_steps(run_id)
        (full,) = store.get_steps(run_id, attempts=True)

        assert plain.attempts == ()
        assert [(each.number, each.status) for each in full.attempts] == [(1, StepStatus.RUNNING)]
