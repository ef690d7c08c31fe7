"""Reading runs, lists of runs, steps and payloads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gorkflow.config import ExecutionConfig
from gorkflow.errors import ErrorCode, NotFoundError
from gorkflow.queries import ORDERS, RunFilter
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import WorkflowStore
from gorkflow.testing.contracts.kit import (
    DIAMOND,
    Contract,
    error,
    graph_of,
    new_run,
    taker,
)


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

    def test_runs_are_found_by_when_they_began_and_ended(self, store: WorkflowStore) -> None:
        done, begun, waiting = (self.create(store) for _ in range(3))
        self.run_all(store, done)
        self.claim(store, begun)
        hour = timedelta(hours=1)
        past, future = store.now() - hour, store.now() + hour

        for wanted, found in (
            (RunFilter(started_after=past), {done, begun}),
            (RunFilter(started_before=future, started_after=past), {done, begun}),
            (RunFilter(started_before=past), set()),
            (RunFilter(ended_before=future), {done}),
            (RunFilter(ended_after=future), set()),
            (RunFilter(run_ids=[begun, waiting]), {begun, waiting}),
            (RunFilter(run_ids=[begun], ended_after=past), set()),
        ):
            assert {run.id for run in store.list_runs(wanted).runs} == found, wanted

    def test_runs_are_found_by_whether_a_step_was_tried_again(self, store: WorkflowStore) -> None:
        graph = graph_of(a="", config=ExecutionConfig(retry_delay=0.0))
        retried, smooth = self.create(store, graph), self.create(store)
        failed: dict[str, Any] = {"status": StepStatus.FAILED, "error": error()}
        self.finish(store, self.claim(store, retried), graph, **failed)
        self.claim(store, retried)
        self.claim(store, smooth)

        with_retries = store.list_runs(RunFilter(has_retries=True)).runs
        without = store.list_runs(RunFilter(has_retries=False)).runs

        assert [run.id for run in with_retries] == [retried]
        assert [run.id for run in without] == [smooth]

    @pytest.mark.parametrize("order", ORDERS)
    def test_runs_are_listed_in_each_order_in_pages(self, store: WorkflowStore, order: str) -> None:
        first, second, third, unfinished = (self.create(store) for _ in range(4))
        for run_id in (second, third, first):
            self.run_all(store, run_id)
            self.pass_time(store, 0.01)

        wanted = RunFilter(order=order, limit=2, workflow_id="contract")
        pages = [store.list_runs(wanted)]
        while pages[-1].next_cursor is not None:
            pages.append(store.list_runs(replace(wanted, cursor=pages[-1].next_cursor)))

        found = [run.id for page in pages for run in page.runs]
        made = [first, second, third, unfinished]
        ended = [second, third, first]
        ascending = made if "created" in order else ended
        assert found == (ascending[::-1] if order.startswith("-") else ascending)

    def test_payloads_are_on_a_page_only_when_asked_for(self, store: WorkflowStore) -> None:
        done, waiting = self.create(store), self.create(store)
        self.run_all(store, done)

        plain = store.list_runs(RunFilter())
        full = store.list_runs(RunFilter(payloads=["input", "output"]))
        halves = store.list_runs(RunFilter(payloads=["output"], limit=1, order="created_at"))

        assert plain.payloads == {}
        assert {name: (text or "") for name, text in full.payloads[done].items()} == {
            "input": '{"n":1}',
            "output": '"c"',
        }
        assert full.payloads[waiting]["output"] is None
        assert halves.payloads == {done: {"output": '"c"'}}

    def test_figures_count_every_run_and_time_the_completed_ones(
        self, store: WorkflowStore
    ) -> None:
        for _ in range(3):
            self.run_all(store, self.create(store))
        other = self.create(store, workflow_id="another")
        store.end_run(other, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))

        stats = store.run_stats(RunFilter(limit=1))
        mine = store.run_stats(RunFilter(workflow_id="contract"))
        none = store.run_stats(RunFilter(workflow_id="nothing"))

        assert stats.counts == {
            RunStatus.PENDING: 0,
            RunStatus.RUNNING: 0,
            RunStatus.COMPLETED: 3,
            RunStatus.FAILED: 0,
            RunStatus.CANCELLED: 1,
        }
        assert list(stats.workflows) == ["another", "contract"]
        assert stats.workflows["another"].durations is None
        assert stats.durations is not None
        assert stats.durations.count == 3
        assert 0 <= stats.durations.p50 <= stats.durations.p95 <= stats.durations.longest < 60
        assert list(mine.workflows) == ["contract"]
        assert (sum(none.counts.values()), none.durations, none.workflows) == (0, None, {})

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
