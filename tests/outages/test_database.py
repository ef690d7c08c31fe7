"""The database restarts, crashes or throws its clients out: workers go on without a restart."""

import time
from contextlib import suppress
from itertools import cycle

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from rest_framework.test import APIClient

from gorkflow import RunStatus
from gorkflow.invariants import Verifier
from gorkflow.wiring import get_engine
from tests.process.workers import wait_until
from tests.shop.models import Entry
from tests.shop.workflows import Job, gated, poison

pytestmark = pytest.mark.outage

POOLS = [
    pytest.param(("-P", "prefork", "-c", "2"), id="prefork"),
    pytest.param(("-P", "threads", "-c", "2"), id="threads", marks=pytest.mark.long),
]


def assert_sound():
    engine = get_engine()
    report = Verifier("default", registry=engine.registry, config=engine.config).verify()
    assert report.findings == []


def assert_each_entered_once(runs):
    names = sorted(f"run {number}" for number in range(len(runs)))
    assert sorted(Entry.objects.values_list("name", flat=True)) == names


def numbers(run):
    return [(step.attempt, step.failures, step.crashes) for step in run.steps()]


@pytest.mark.parametrize("pool", POOLS)
def test_workers_outlive_a_database_that_is_away_for_longer_than_their_leases(
    postgres, broker, start_worker, gate, pool
):
    worker, idle = start_worker(*pool), start_worker("-P", "solo")
    run = gated.start(Job(name="patient", gate=str(gate)))
    wait_until((gate / "held-1").exists, "the step to run")

    postgres.stop(postgres.crash_signal)
    time.sleep(1.5 * settings.GORKFLOW["LEASE"])
    postgres.start()
    connection.close()
    time.sleep(settings.GORKFLOW["HEARTBEAT"] + settings.GORKFLOW["SWEEP_INTERVAL"])
    (gate / "open").touch()

    assert run.wait(40).output == "patient entered"
    assert numbers(run) == [(1, 0, 0)] * 3, "nobody took the step from a worker that lives"
    assert worker.process.poll() is None
    assert idle.process.poll() is None


def test_the_api_says_that_the_database_is_away_and_goes_on_when_it_is_back(postgres):
    client = APIClient(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("ann"))

    postgres.stop(postgres.crash_signal)
    away = client.get("/api/runs/")
    postgres.start()
    connection.close()
    back = client.get("/api/runs/")

    assert (away.status_code, away.json()["code"]) == (503, "UNAVAILABLE")
    assert away["Content-Type"] == "application/problem+json"
    assert int(away["Retry-After"]) > 0
    assert back.status_code == 200


@pytest.mark.long
@pytest.mark.parametrize("crash", [False, True], ids=["restart", "crash"])
@pytest.mark.parametrize("pool", POOLS)
def test_a_restart_while_results_come_in_loses_and_doubles_nothing(
    postgres, broker, start_worker, pool, crash
):
    worker = start_worker(*pool)
    runs = [poison.start(Job(name=f"run {number}")) for number in range(60)]
    wait_until(lambda: Entry.objects.count() >= 5, "work to be under way")

    postgres.restart(crash=crash)
    connection.close()

    assert {run.wait(60).status for run in runs} == {RunStatus.COMPLETED}
    assert_each_entered_once(runs)
    assert worker.process.poll() is None
    assert_sound()


@pytest.mark.parametrize("pool", POOLS)
def test_connections_and_queries_that_are_killed_lose_and_double_nothing(
    mariadb, broker, start_worker, pool
):
    worker = start_worker(*pool)
    runs, killed, ways = [], 0, cycle(("QUERY", "CONNECTION"))

    while killed < 16:
        assert len(runs) < 400, f"only {killed} were there to be killed"
        runs += [poison.start(Job(name=f"run {len(runs) + number}")) for number in range(2)]
        killed += throw_out(next(ways))

    assert {run.wait(60).status for run in runs} == {RunStatus.COMPLETED}
    assert_each_entered_once(runs)
    assert worker.process.poll() is None
    assert_sound()


def throw_out(what):
    """Kill the connections, or the statements, of everybody else; return how many there were."""
    time.sleep(0.03)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist"
            " WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
        ids = [row[0] for row in cursor.fetchall()]
        for each in ids:
            with suppress(OperationalError):  # it has gone meanwhile
                cursor.execute(f"KILL {what} {each}")
    return len(ids)
