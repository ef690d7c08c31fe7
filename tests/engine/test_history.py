"""What happened to a run, put together from its rows."""

import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from gorkflow import RunFilter, WorkflowBuilder, step
from gorkflow.errors import PayloadError
from gorkflow.statuses import RunStatus

MOOD = {"sick": True}


@step
def increment(n: int) -> int:
    return n + 1


@step(max_retries=1, retry_delay=0.0, jitter=0.0)
def sickly(n: int) -> int:
    if MOOD["sick"]:
        raise ValueError("sick")
    return n


@pytest.fixture(autouse=True)
def _sick():
    MOOD["sick"] = True


def builder():
    return (
        WorkflowBuilder("w")
        .then(increment)
        .then(sickly)
        .then_if(increment.with_(id="more"), when=lambda n: n > 100, default=0)
    )


def pause(lab):
    """Let what comes next be at another time."""
    if lab.clock is None:
        time.sleep(0.01)
    else:
        lab.clock.advance(0.01)


def told(lab, run):
    events = lab.engine.get_history(run.id)
    assert events == sorted(events, key=lambda event: event.at)
    assert len({event.id for event in events}) == len(events)
    return [
        (event.kind, event.step_id, event.attempt) if event.step_id else (event.kind, event.actor)
        for event in events
    ]


def test_everything_that_happened_is_told_in_its_order(lab):
    run = lab.run(builder(), 1, started_by="ann")
    MOOD["sick"] = False
    pause(lab)
    lab.engine.retry(run.id, actor="bob", reason="healed")
    pause(lab)
    lab.engine.run_to_end(run.id)

    assert told(lab, run) == [
        ("RUN_CREATED", "ann"),
        ("RUN_STARTED", ""),
        ("STEP_STARTED", "increment", 1),
        ("STEP_COMPLETED", "increment", 1),
        ("STEP_STARTED", "sickly", 1),
        ("STEP_FAILED", "sickly", 1),
        ("STEP_STARTED", "sickly", 2),
        ("STEP_FAILED", "sickly", 2),
        ("RUN_FAILED", ""),
        ("RUN_RETRIED", "bob"),
        ("STEP_STARTED", "sickly", 3),
        ("STEP_COMPLETED", "sickly", 3),
        ("STEP_SKIPPED", "more", 1),
        ("RUN_COMPLETED", ""),
    ]


def test_an_event_keeps_its_name_when_the_history_grows(lab):
    run = lab.run(builder(), 1)
    before = [event.id for event in lab.engine.get_history(run.id)]

    pause(lab)
    lab.engine.retry(run.id)
    lab.engine.run_to_end(run.id)

    assert [event.id for event in lab.engine.get_history(run.id)][: len(before)] == before


def test_a_cancel_is_told_once_with_who_and_why(lab):
    run = lab.start(builder(), 1)
    run.cancel("not wanted", actor="ann")

    created, cancelled = lab.engine.get_history(run.id)

    assert (created.kind, cancelled.kind) == ("RUN_CREATED", "RUN_CANCELLED")
    assert (cancelled.actor, cancelled.reason) == ("ann", "not wanted")


def test_errors_are_told_with_the_attempts_that_had_them(lab):
    run = lab.run(builder(), 1)

    errors = {event.kind: event.error for event in lab.engine.get_history(run.id) if event.error}

    assert errors["STEP_FAILED"].message == "sick"
    assert "ValueError" in errors["STEP_FAILED"].traceback
    assert errors["RUN_FAILED"].step_id == "sickly"


ALICE = RunFilter(tags={"tenant": "a"}, statuses=["FAILED", "RUNNING"], limit=7)


def test_a_filter_within_another_lets_through_what_both_do():
    scope = RunFilter(tags={"tenant": "a", "x": "y"}, statuses=["FAILED"], workflow_id="w", limit=1)

    both = ALICE.within(scope)

    assert both == RunFilter(
        tags={"tenant": "a", "x": "y"}, statuses=[RunStatus.FAILED], workflow_id="w", limit=7
    )
    assert ALICE.within(RunFilter()) == ALICE
    assert RunFilter().within(ALICE).statuses == ALICE.statuses


@pytest.mark.parametrize(
    "other",
    [
        RunFilter(tags={"tenant": "b"}),
        RunFilter(statuses=["COMPLETED"]),
    ],
)
def test_filters_that_have_nothing_in_common_let_nothing_through(other):
    assert ALICE.within(other) is None
    assert other.within(ALICE) is None


@pytest.mark.parametrize(
    "moment",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))),
        datetime(124, 9, 30, tzinfo=ZoneInfo("America/Chicago")),
    ],
    ids=str,
)
def test_times_before_and_after_all_runs_are_no_error_anywhere(lab, moment):
    run = lab.run(builder(), 1)
    early = moment.year < 2000

    after = lab.engine.list_runs(RunFilter(created_after=moment)).runs
    before = lab.engine.list_runs(RunFilter(ended_before=moment)).runs

    assert [each.id for each in after] == ([run.id] if early else [])
    assert [each.id for each in before] == ([] if early else [run.id])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"order": "priority"}, "order: 'priority' is none of -created_at"),
        ({"payloads": ["context"]}, "payloads: 'context' is none of input, output"),
        ({"statuses": ["DONE"]}, "statuses: 'DONE' is none of PENDING"),
    ],
)
def test_a_filter_that_cannot_be_meant_is_refused(wrong, message):
    with pytest.raises(PayloadError, match=message) as caught:
        RunFilter(**wrong)
    assert caught.value.errors[0]["loc"] == list(wrong)
