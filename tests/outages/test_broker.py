"""The broker is away: callers do not notice, and runs begin by themselves when it is back."""

import time

import pytest

from gorkflow import RunStatus
from tests.process.workers import wait_until
from tests.shop.workflows import Job, gated, plain

pytestmark = pytest.mark.outage

AT_ONCE = 5.0
"""Seconds that a caller may lose to a broker that does not answer."""
POOLS = [
    pytest.param(("-P", "prefork", "-c", "2"), id="prefork"),
    pytest.param(("-P", "threads", "-c", "2"), id="threads", marks=pytest.mark.long),
    pytest.param(("-P", "solo"), id="solo", marks=pytest.mark.long),
]


def start_at_once(count=1):
    """Start runs, none of which may make its caller wait."""
    runs = []
    for _ in range(count):
        began = time.monotonic()
        runs.append(plain.start(Job()))
        assert time.monotonic() - began < AT_ONCE
    return runs


@pytest.mark.parametrize("pool", POOLS)
def test_runs_started_while_the_broker_is_down_begin_when_it_is_back(
    postgres, broker, start_worker, gate, pool
):
    worker = start_worker(*pool)
    under_way = gated.start(Job(gate=str(gate)))
    wait_until((gate / "held-1").exists, "the step to run")

    broker.stop(broker.crash_signal)
    runs = start_at_once(3)
    (gate / "open").touch()
    ended = under_way.wait(40)
    broker.start()

    assert ended.status is RunStatus.COMPLETED, "a run under way needs no broker"
    assert [run.wait(60).status for run in runs] == [RunStatus.COMPLETED] * 3
    assert [step.attempt for run in runs for step in run.steps()] == [1] * 12
    assert worker.process.poll() is None


@pytest.mark.long
def test_a_broker_that_takes_connections_and_does_not_answer_holds_no_caller_up(
    postgres, broker, start_worker
):
    start_worker("-P", "solo")
    assert plain.start(Job()).wait(40).status is RunStatus.COMPLETED

    broker.stall()
    runs = start_at_once(3)
    broker.resume()

    assert [run.wait(60).status for run in runs] == [RunStatus.COMPLETED] * 3


@pytest.mark.long
def test_a_worker_that_starts_before_its_broker_takes_up_what_waits(postgres, broker, start_worker):
    broker.stop(broker.crash_signal)
    (run,) = start_at_once()
    start_worker("-P", "solo", ready=False)
    time.sleep(3)
    assert run.refresh().status is RunStatus.PENDING

    broker.start()

    assert run.wait(60).status is RunStatus.COMPLETED


@pytest.mark.long
def test_a_caller_that_knew_the_broker_before_its_restart_reaches_it_again(
    postgres, broker, start_worker
):
    start_worker("-P", "solo")
    assert plain.start(Job()).wait(40).status is RunStatus.COMPLETED

    broker.restart(crash=True)

    (run,) = start_at_once()
    assert run.wait(60).status is RunStatus.COMPLETED
