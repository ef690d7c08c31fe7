"""Two hosts' clocks are ten minutes apart: the database's time decides."""

import time
from pathlib import Path

import pytest
from django.conf import settings

from gorkflow import RunStatus
from gorkflow.wiring import get_engine
from tests.outages.conftest import need
from tests.outages.workflows import DELAY, clocks
from tests.process.workers import wait_until
from tests.shop.models import Entry
from tests.shop.workflows import Job, poison

pytestmark = pytest.mark.outage

SKEW = 300
ONE_STEP = ("-P", "solo", "--include", "tests.outages.workflows,tests.outages.wrong_clock")


def clock(offset):
    """Return the environment of a process whose clock is wrong by so many seconds."""
    found = sorted(Path("/usr").glob("lib/**/faketime/libfaketimeMT.so.1"))
    if not found:
        need("libfaketime")
    # What counts seconds between two events is not shifted on a host with a wrong clock either.
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"{offset:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@pytest.fixture
def skewed(start_worker):
    """Start a worker that is fast by five minutes and one that is slow by five."""
    return [start_worker(*ONE_STEP, env=clock(offset)) for offset in (SKEW, -SKEW)]


def test_no_lease_is_stolen_and_no_retry_comes_early(postgres, broker, skewed, gate):
    run = clocks.start(Job(gate=str(gate)))

    wait_until(lambda: (gate / "left").exists() and (gate / "right").exists(), "both workers")
    time.sleep(1.5 * settings.GORKFLOW["LEASE"])
    (gate / "open").touch()
    seen = sorted(moment - time.time() for moment in run.wait(40).output)

    assert seen == pytest.approx([-SKEW, SKEW], abs=60), "each worker had a step"
    steps = {row.step_id: row for row in run.steps(attempts=True)}
    assert [(row.attempt, row.crashes) for row in steps.values()] == [(2, 0), *[(1, 0)] * 3]
    failed, second = steps["late"].attempts
    waited = (second.started_at - failed.ended_at).total_seconds()
    assert DELAY <= waited < DELAY + 5
    record = get_engine().get_run(run.id)
    assert (record.ended_at - record.created_at).total_seconds() < 40


@pytest.mark.long
def test_nothing_runs_twice_and_nothing_is_lost(postgres, broker, skewed):
    runs = [poison.start(Job(name=f"run {number}")) for number in range(20)]

    assert {run.wait(60).status for run in runs} == {RunStatus.COMPLETED}
    assert Entry.objects.count() == 20
    assert {row.attempt for run in runs for row in run.steps()} == {1}
