"""A worker is told to go: its step finishes or goes back, and no attempt is burnt."""

import os
import signal

import pytest

from gorkflow import StepStatus
from tests.process.workers import wait_until
from tests.shop.models import Entry
from tests.shop.workflows import Job, gated

pytestmark = pytest.mark.outage

PREFORK = ("-P", "prefork", "-c", "2")
THREADS = ("-P", "threads", "-c", "2")
SOLO = ("-P", "solo")
SOFT = ("--include", "tests.outages.soft_shutdown")


def under_way(gate, **job):
    run = gated.start(Job(gate=str(gate), **job))
    wait_until((gate / "held-1").exists, "the step to run")
    return run


def statuses(run):
    return {step.step_id: step.status for step in run.steps()}


def assert_nothing_burnt(run):
    numbers = [(step.attempt, step.failures, step.crashes) for step in run.steps()]
    assert numbers == [(1, 0, 0)] * 3
    assert Entry.objects.count() == 1


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(PREFORK, id="prefork"),
        pytest.param(SOLO, id="solo", marks=pytest.mark.long),
    ],
)
def test_a_cold_shutdown_gives_the_step_back(postgres, broker, start_worker, gate, pool):
    leaving = start_worker(*pool)
    run = under_way(gate, name="cold")

    leaving.process.send_signal(signal.SIGQUIT)
    leaving.process.wait(20)

    assert statuses(run)["held"] is StepStatus.PENDING
    start_worker(*SOLO)
    (gate / "open").touch()
    assert run.wait(40).output == "cold entered"
    assert_nothing_burnt(run)


@pytest.mark.long
def test_a_cold_shutdown_of_threads_lets_the_step_finish(postgres, broker, start_worker, gate):
    leaving = start_worker(*THREADS)
    run = under_way(gate, name="cold")

    leaving.process.send_signal(signal.SIGQUIT)
    wait_until(lambda: "Hitting Ctrl+C again" in leaving.text(), "the shutdown to begin")
    (gate / "open").touch()
    leaving.process.wait(20)

    assert statuses(run)["held"] is StepStatus.COMPLETED
    start_worker(*SOLO)
    assert run.wait(40).output == "cold entered"
    assert_nothing_burnt(run)


@pytest.mark.parametrize(
    "pool",
    [
        pytest.param(PREFORK, id="prefork"),
        pytest.param(THREADS, id="threads", marks=pytest.mark.long),
    ],
)
def test_a_soft_shutdown_lets_the_step_finish_and_hands_the_rest_over(
    postgres, broker, start_worker, gate, pool
):
    leaving = start_worker(*pool, *SOFT)
    run = under_way(gate, name="soft")

    leaving.process.send_signal(signal.SIGQUIT)
    wait_until(lambda: "Initiating Soft Shutdown" in leaving.text(), "the shutdown to begin")
    (gate / "open").touch()
    leaving.process.wait(20)

    assert statuses(run) | {"first": None} == {
        "first": None,
        "held": StepStatus.COMPLETED,
        "enter": StepStatus.PENDING,
    }
    start_worker(*SOLO)
    assert run.wait(40).output == "soft entered"
    assert_nothing_burnt(run)


@pytest.mark.long
@pytest.mark.parametrize("pool", [PREFORK, SOLO], ids=lambda pool: pool[1])
def test_a_soft_shutdown_that_is_over_too_soon_gives_the_step_back(
    postgres, broker, start_worker, gate, pool
):
    leaving = start_worker(*pool, *SOFT)
    run = under_way(gate, name="soft")

    leaving.process.send_signal(signal.SIGQUIT)
    leaving.process.wait(20)

    assert statuses(run)["held"] is StepStatus.PENDING
    start_worker(*SOLO)
    (gate / "open").touch()
    assert run.wait(40).output == "soft entered"
    assert_nothing_burnt(run)


@pytest.mark.long
def test_a_signal_to_the_whole_group_gives_the_step_back(postgres, broker, start_worker, gate):
    leaving = start_worker(*PREFORK)
    run = under_way(gate, name="all")

    os.killpg(leaving.process.pid, signal.SIGTERM)
    leaving.process.wait(20)

    assert statuses(run)["held"] is StepStatus.PENDING
    start_worker(*SOLO)
    (gate / "open").touch()
    assert run.wait(40).output == "all entered"
    assert_nothing_burnt(run)


@pytest.mark.long
def test_a_child_that_is_ended_alone_costs_an_attempt(postgres, broker, start_worker, gate):
    """Else a step that Celery's own time limit ends would run for ever."""
    start_worker(*PREFORK)
    run = under_way(gate, name="alone")

    os.kill(int((gate / "held-1").read_text()), signal.SIGTERM)
    wait_until((gate / "held-2").exists, "the step to run again")
    (gate / "open").touch()

    assert run.wait(40).output == "alone entered"
    held = {step.step_id: step for step in run.steps()}["held"]
    assert (held.attempt, held.failures) == (2, 1)
