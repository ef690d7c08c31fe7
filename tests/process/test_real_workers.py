"""Runs on real Celery workers that are killed, stopped and starved."""

import os
import signal
from datetime import timedelta

import pytest

from gorkflow import RunStatus, StepStatus
from gorkflow.errors import ErrorCode
from gorkflow.wiring import get_engine
from tests.process.workers import wait_until
from tests.shop.models import Entry
from tests.shop.workflows import Job, gated, plain, poison, slow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]

POOLS = [("-P", "prefork", "-c", "2"), ("-P", "solo"), ("-P", "threads", "-c", "2")]


def attempts_of(run, step_id):
    steps = {each.step_id: each for each in run.steps(attempts=True)}
    return [attempt.status for attempt in steps[step_id].attempts]


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[1])
def test_a_worker_of_each_pool_completes_runs_and_ends_attempts_in_time(start_worker, pool):
    start_worker(*pool)

    runs = [plain.start(Job()) for _ in range(5)]
    late = slow.start(Job())

    assert [run.wait(40).output for run in runs] == ["left+right"] * 5
    assert late.wait(40).status is RunStatus.FAILED
    assert late.error.code is ErrorCode.TIMEOUT


def test_a_killed_child_costs_one_attempt_and_nothing_else(start_worker, gate):
    start_worker("-P", "prefork", "-c", "2")
    run = gated.start(Job(name="a", gate=str(gate)))
    mark = gate / "held-1"
    wait_until(lambda: mark.exists() and mark.read_text(), "the step to run")

    os.kill(int(mark.read_text()), signal.SIGKILL)
    wait_until((gate / "held-2").exists, "the step to run again")
    (gate / "open").touch()

    assert run.wait(40).output == "a entered"
    assert attempts_of(run, "held") == [StepStatus.FAILED, StepStatus.COMPLETED]
    assert attempts_of(run, "first") == [StepStatus.COMPLETED]
    assert Entry.objects.filter(name="a").count() == 1


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[1])
def test_a_killed_worker_leaves_its_step_to_another(start_worker, gate, pool):
    victim = start_worker(*pool)
    run = gated.start(Job(name="b", gate=str(gate)))
    wait_until((gate / "held-1").exists, "the step to run")

    victim.kill()
    start_worker("-P", "prefork", "-c", "1")
    wait_until((gate / "held-2").exists, "the step to run elsewhere")
    (gate / "open").touch()

    assert run.wait(40).output == "b entered"
    assert attempts_of(run, "held") == [StepStatus.FAILED, StepStatus.COMPLETED]
    assert Entry.objects.filter(name="b").count() == 1


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[1])
def test_a_warm_shutdown_finishes_the_step_and_hands_the_run_over(start_worker, gate, pool):
    leaving = start_worker(*pool)
    run = gated.start(Job(name="c", gate=str(gate)))
    wait_until((gate / "held-1").exists, "the step to run")

    leaving.terminate()
    wait_until(lambda: "Warm shutdown" in leaving.text(), "the shutdown to begin")
    (gate / "open").touch()
    leaving.process.wait(timeout=40)
    handed_over = {each.step_id: each.status for each in run.steps()}
    start_worker("-P", "solo")

    assert handed_over["held"] is StepStatus.COMPLETED
    assert run.wait(40).output == "c entered"
    assert attempts_of(run, "held") == [StepStatus.COMPLETED]
    assert attempts_of(run, "enter") == [StepStatus.COMPLETED]


def test_a_step_that_kills_its_worker_is_given_up_and_harms_no_other_run(start_worker):
    start_worker("-P", "prefork", "-c", "2")

    bad = poison.start(Job(deadly_attempts=99))
    weak = poison.start(Job(name="weak", deadly_attempts=1))
    good = plain.start(Job())

    assert good.wait(40).output == "left+right"
    assert weak.wait(60).output == "weak entered"
    assert bad.wait(90).status is RunStatus.FAILED
    assert bad.error.code is ErrorCode.WORKER_LOST
    assert attempts_of(bad, "deadly") == [StepStatus.FAILED] * 3


def test_cancelling_reaches_a_running_handler(start_worker, gate):
    start_worker("-P", "prefork", "-c", "1")
    run = gated.start(Job(gate=str(gate)))
    wait_until((gate / "held-1").exists, "the step to run")

    run.cancel("enough")

    wait_until((gate / "interrupted").exists, "the handler to notice")
    assert run.refresh().status is RunStatus.CANCELLED
    assert run.error.message == "enough"
    assert Entry.objects.count() == 0


def test_a_run_started_while_the_broker_is_away_is_found_by_a_worker(
    broker, publishing, start_worker
):
    publishing("redis://127.0.0.1:1/0")
    run = plain.start(Job())

    start_worker("-P", "solo")

    assert run.wait(40).output == "left+right"


@pytest.mark.parametrize("heard", [True, False], ids=["by its message", "by a sweep"])
def test_a_run_that_was_put_off_begins_when_it_is_time(broker, publishing, start_worker, heard):
    start_worker("-P", "solo")
    if not heard:
        publishing("redis://127.0.0.1:1/0")
    run_at = get_engine().store.now() + timedelta(seconds=2)

    run = plain.start(Job(), run_at=run_at)

    assert run.run_at == run_at
    assert run.wait(40).output == "left+right"
    assert run.record.started_at >= run_at
