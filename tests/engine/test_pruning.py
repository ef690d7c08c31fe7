"""Retention: what a host may write, and what sweeps and prunes make of it."""

from collections import Counter
from datetime import timedelta

import pytest
from pydantic import ValidationError

from gorkflow import RunFilter, RunStatus, WorkflowBuilder, step
from gorkflow.config import EngineConfig
from gorkflow.engine import pruning
from gorkflow.errors import ConfigurationError, PayloadError
from gorkflow.testing import local_engine

DAY = timedelta(days=1)


@step(max_retries=0)
def picky(n: int) -> int:
    if n < 0:
        raise ValueError("negative")
    return n


def engine_with(retention=None):
    workflow = WorkflowBuilder("picky").then(picky).build()
    return local_engine(workflow, config=EngineConfig(retention=retention))


def ended(engine, *, completed=0, failed=0, cancelled=0):
    """Let so many runs end, now."""
    for n in [1] * completed + [-1] * failed:
        engine.start("picky", n)
    engine.drain()
    for _ in range(cancelled):
        engine.start("picky", 1).cancel()
    engine.inbox.hints.clear()


def counts(engine):
    """How many runs there are of each status."""
    runs = engine.list_runs(RunFilter(limit=1000)).runs
    return dict(Counter(str(run.status) for run in runs))


@pytest.mark.parametrize(
    ("written", "ages"),
    [
        (None, {}),
        ({}, {}),
        (30, {"COMPLETED": 30, "FAILED": 30, "CANCELLED": 30}),
        ({"COMPLETED": "36h"}, {"COMPLETED": 1.5}),
        ({"COMPLETED": 7, "default": "4w"}, {"COMPLETED": 7, "FAILED": 28, "CANCELLED": 28}),
        ({"FAILED": None, "default": DAY}, {"COMPLETED": 1, "CANCELLED": 1}),
    ],
)
def test_ages_are_written_in_many_ways_and_mean_one_thing(written, ages):
    config = EngineConfig(retention=written)

    assert config.retention == {name: age * DAY for name, age in ages.items()}
    assert EngineConfig(retention=config.retention) == config


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ({"COMPLETD": 30}, "'COMPLETD' is none of COMPLETED, FAILED, CANCELLED, default"),
        ({"RUNNING": 30}, "'RUNNING' is none of"),
        ({"FAILED": "6m"}, "'6m' for FAILED is no age"),
        ({"FAILED": 30, "default": "soon"}, "'soon' for default is no age"),
        ({"FAILED": "{x}"}, "'{x}' for FAILED is no age"),
        *((wrong, "is no age") for wrong in (0, -1, True, float("nan"), 1e99, "9999999w", ["30d"])),
    ],
)
def test_a_wrong_age_is_refused_by_name(written, named):
    with pytest.raises(ValidationError) as caught:
        EngineConfig(retention=written)

    assert named in str(caught.value)


def test_by_default_everything_is_kept():
    with engine_with() as engine:
        ended(engine, completed=1, failed=1)
        engine.virtual_clock.advance(DAY.total_seconds() * 5000)
        engine.sweep()

        assert counts(engine) == {"COMPLETED": 1, "FAILED": 1}


def test_sweeps_delete_runs_of_each_status_at_its_age_and_no_others():
    with engine_with({"COMPLETED": 7, "FAILED": 30}) as engine:
        ended(engine, completed=2, failed=2, cancelled=1)
        waiting = engine.start("picky", 1)
        seen = []
        for days in (6.9, 0.2, 23):
            engine.virtual_clock.advance(days * DAY.total_seconds())
            engine.sweep()
            seen.append(counts(engine))

        kept = {"CANCELLED": 1, "PENDING": 1}
        assert seen == [
            {"COMPLETED": 2, "FAILED": 2, **kept},
            {"FAILED": 2, **kept},
            kept,
        ]
        assert waiting.refresh().status is RunStatus.PENDING


def test_a_sweep_deletes_so_many_and_the_next_ones_the_rest(monkeypatch):
    monkeypatch.setattr(pruning, "MOST_IN_A_SWEEP", 5)
    monkeypatch.setattr(pruning, "BATCH", 2)
    with engine_with(1) as engine:
        ended(engine, completed=9, failed=3)
        engine.virtual_clock.advance(2 * DAY.total_seconds())
        seen = []
        for _ in range(4):
            engine.sweep()
            seen.append(sum(counts(engine).values()))

        assert seen == [7, 2, 0, 0]


def test_a_sweep_that_has_taken_long_begins_no_other_batch(monkeypatch):
    monkeypatch.setattr(pruning, "SECONDS_IN_A_SWEEP", -1.0)
    with engine_with(1) as engine:
        ended(engine, completed=1)
        engine.virtual_clock.advance(2 * DAY.total_seconds())
        engine.sweep()

        assert counts(engine) == {"COMPLETED": 1}


def test_a_prune_that_fails_does_not_stop_the_sweep(monkeypatch):
    with engine_with(1) as engine:
        engine.start("picky", 1)
        engine.inbox.hints.clear()
        engine.virtual_clock.advance(2 * DAY.total_seconds())

        def fail(**_arguments):
            raise OSError("the disk is full")

        monkeypatch.setattr(engine.store, "prune", fail)

        assert engine.sweep() == 1
        assert len(engine.inbox.hints) == 1


def test_a_prune_goes_by_the_age_it_is_given_or_by_the_retention():
    with engine_with({"FAILED": 30}) as engine:
        ended(engine, completed=2, failed=2, cancelled=1)
        engine.virtual_clock.advance(10 * DAY.total_seconds())

        assert engine.prune() == 0
        assert engine.prune(older_than=0.0, statuses=["CANCELLED"], batch=1) == 1
        assert engine.prune(older_than=9 * DAY.total_seconds(), statuses=["COMPLETED"]) == 2
        engine.virtual_clock.advance(21 * DAY.total_seconds())
        assert engine.prune(statuses=["COMPLETED"]) == 0
        assert engine.prune() == 2


def test_a_prune_that_is_told_to_stop_leaves_the_rest():
    with engine_with(1) as engine:
        ended(engine, completed=5)
        engine.virtual_clock.advance(2 * DAY.total_seconds())
        asked = iter([False, False, True])

        assert engine.prune(batch=2, stopping=lambda: next(asked, True)) == 4
        assert counts(engine) == {"COMPLETED": 1}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"older_than": -1.0}, "older_than must be 0 to"),
        ({"older_than": float("nan")}, "older_than must be 0 to"),
        ({"older_than": 1e30}, "older_than must be 0 to"),
        ({"older_than": 1.0, "batch": 0}, "batch must be 1 or more"),
        ({"older_than": 1.0, "statuses": ["RUNNING"]}, "statuses no run ends as 'RUNNING'"),
        ({"statuses": ["FAILD"]}, "no run ends as 'FAILD'"),
    ],
)
def test_wrong_arguments_of_a_prune_are_refused_by_name(wrong, named):
    with engine_with() as engine, pytest.raises(PayloadError, match=named):
        engine.prune(**wrong)


def test_a_prune_without_any_age_is_refused():
    with engine_with() as engine, pytest.raises(ConfigurationError, match="RETENTION"):
        engine.prune()
