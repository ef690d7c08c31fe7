"""The parts of the prune trial that need no worker."""

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.pruning import history
from benchmarks.pruning.history import STEPS, make_runs, tell_planner
from gorkflow.models import RunState, StepAttempt, StepExecution, WorkflowRun
from gorkflow.statuses import TERMINAL_RUNS
from gorkflow.stores.orm import DjangoStore


@pytest.mark.django_db(transaction=True)
def test_the_runs_of_the_trial_are_whole_and_old_enough(monkeypatch):
    monkeypatch.setattr(history, "SLAB", 20)
    make_runs(50, days=31)
    make_runs(5, days=29)
    tell_planner()

    assert WorkflowRun.objects.filter(workflow_id="old").count() == 55
    assert StepExecution.objects.count() == 55 * STEPS
    assert (StepAttempt.objects.count(), RunState.objects.count()) == (55, 55)
    assert set(WorkflowRun.objects.values_list("status", flat=True)) == set(TERMINAL_RUNS)
    month = timedelta(days=30)
    assert WorkflowRun.objects.filter(ended_at__lt=datetime.now(UTC) - month).count() == 50
    store = DjangoStore()
    counts = [
        store.prune(older_than=month.total_seconds(), statuses=TERMINAL_RUNS, limit=100)
        for _ in range(4)
    ]
    assert (sum(counts), counts[-1]) == (50, 0)
