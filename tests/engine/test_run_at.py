"""Runs that are started now and begin later."""

import datetime as dt

import pytest

from gorkflow import PayloadError, RunStatus, StepContext, WorkflowBuilder, step
from gorkflow.config import MAX_AHEAD
from gorkflow.testing import local_engine

HOUR = dt.timedelta(hours=1)


@step
def double(n: int) -> int:
    return 2 * n


@step
def began(ctx: StepContext, n: int) -> int:
    return n


CHAIN = WorkflowBuilder("chain").then(double).then(began)


def test_a_run_far_ahead_sends_no_message_and_one_soon_a_delayed_one(lab):
    now = lab.engine.store.now()

    far = lab.start(CHAIN, 1, run_at=now + HOUR)
    sent = len(lab.engine.dispatcher.hints)
    soon = lab.start(CHAIN, 1, run_at=now + dt.timedelta(seconds=20))

    (hint,) = lab.engine.dispatcher.hints
    assert (sent, hint.run_id) == (0, soon.id)
    assert 10 < hint.delay <= 20
    assert far.run_at == far.refresh().run_at == now + HOUR


def test_a_message_that_comes_too_early_does_nothing(lab):
    run = lab.start(CHAIN, 1, run_at=lab.engine.store.now() + HOUR)

    assert lab.engine.work(run.id) == 0
    assert lab.engine.sweep() == 0
    assert run.refresh().status is RunStatus.PENDING


def test_any_zone_is_the_same_moment(lab):
    zone = dt.timezone(dt.timedelta(hours=5, minutes=30))
    run_at = (lab.engine.store.now() + HOUR).astimezone(zone)

    assert lab.start(CHAIN, 1, run_at=run_at).refresh().run_at == run_at


def test_a_time_that_is_past_means_at_once(lab):
    run = lab.start(CHAIN, 1, run_at=lab.engine.store.now() - HOUR)

    (hint,) = lab.engine.dispatcher.hints
    assert (run.run_at, hint.delay) == (None, 0.0)
    assert lab.engine.work(run.id) == 2


@pytest.mark.parametrize(
    ("run_at", "why"),
    [
        (dt.datetime.fromisoformat("2030-01-01T00:00:00"), "timezone"),
        ("2030-01-01T00:00:00Z", "valid datetime"),
        (30, "valid datetime"),
        (dt.datetime.max.replace(tzinfo=dt.timezone(-HOUR)), "years 1 to 9999"),
        (dt.datetime.now(dt.UTC) + MAX_AHEAD + HOUR, "within 3660 days"),
    ],
)
def test_what_is_no_time_or_too_far_ahead_is_refused(lab, run_at, why):
    with pytest.raises(PayloadError, match=why) as caught:
        lab.start(CHAIN, 1, run_at=run_at)

    assert caught.value.errors[0]["loc"] == ["run_at"]


def test_a_synchronous_run_cannot_be_put_off_but_may_name_a_time_that_is_past(lab):
    now = lab.engine.store.now()

    with pytest.raises(PayloadError, match="here and now"):
        lab.start(CHAIN, 1, synchronous=True, run_at=now + HOUR)

    assert lab.start(CHAIN, 1, synchronous=True, run_at=now - HOUR).output == 2


def test_a_rerun_begins_at_once(lab):
    run = lab.start(CHAIN, 1, run_at=lab.engine.store.now() + HOUR)

    assert run.rerun().run_at is None


def test_a_retry_of_one_that_was_cancelled_before_its_time_begins_at_once(lab):
    run = lab.start(CHAIN, 1, run_at=lab.engine.store.now() + HOUR).cancel()

    run.retry()

    assert lab.engine.work(run.id) == 2


def test_the_same_key_returns_the_first_run_with_the_time_it_has(lab):
    now = lab.engine.store.now()
    first = lab.start(CHAIN, 1, idempotency_key="k", run_at=now + HOUR)

    again = lab.start(CHAIN, 1, idempotency_key="k", run_at=now + 2 * HOUR)

    assert (again.id, again.run_at) == (first.id, now + HOUR)


def test_days_take_no_time_in_a_test():
    workflow = CHAIN.build()

    with local_engine(workflow) as engine:
        start = engine.store.now()
        late = workflow.start(1, run_at=start + dt.timedelta(days=3))
        soon = workflow.start(2, run_at=start + HOUR)
        assert soon.wait().output == 4
        engine.drain()

    (first, _) = late.refresh().steps(attempts=True)
    assert late.output == 2
    assert first.started_at - start >= dt.timedelta(days=3)
    assert first.started_at - first.ready_at < HOUR
