"""Driver processes from start to stop, with the one system that needs nothing."""

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.catalogue import SYSTEMS
from benchmarks.processes import BenchmarkError, LostError, Running
from benchmarks.workloads import BY_NAME, QUICK_VARIABLE

FLOOR = next(each for each in SYSTEMS if each.name == "floor-sqlite-two")


@pytest.fixture
def running(tmp_path, monkeypatch):
    monkeypatch.setenv(QUICK_VARIABLE, "1")
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/floor.sqlite3"}
    made = Running(FLOOR, environment, tmp_path)
    yield made
    made.stop()


def test_two_processes_share_a_workload(running):
    running.start()

    assert running.has(BY_NAME["statement"])
    assert not running.has(BY_NAME["chain"])
    assert running.run(BY_NAME["statement"])["steps_per_s"] > 0
    assert running.about["durability"]


def test_a_driver_that_cannot_start_says_why_and_leaves_a_log(tmp_path):
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/missing/floor.sqlite3"}
    running = Running(FLOOR, environment, tmp_path)

    with pytest.raises(BenchmarkError, match="unable to open database file"):
        running.start()
    running.stop()

    assert "Traceback" in running.log.read_text()


def test_a_driver_that_is_gone_ends_its_system_and_not_the_benchmark(running):
    running.start()
    victim = running._drivers[1]._process
    victim.kill()
    victim.wait()

    with pytest.raises(LostError):
        running.run(BY_NAME["statement"])
    assert not running.has(BY_NAME["statement"])


def test_the_whole_command_on_the_database_that_is_always_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(QUICK_VARIABLE, "0")
    found = tmp_path / "deep" / "found.json"
    nowhere = "redis://127.0.0.1:1"
    wanted = ["--quick", "--systems", "floor-sqlite", "--json", str(found), "--redis", nowhere]

    assert main([*wanted, "--only", "statement,transaction"]) == 0

    samples = json.loads(found.read_text())["samples"]
    assert {(each["workload"], each["system"]) for each in samples} == {
        (workload, system)
        for workload in ("statement", "transaction")
        for system in ("floor-sqlite", "floor-sqlite-two")
    }
    assert "sqlite3 alone" in capsys.readouterr().out


def test_a_missing_server_skips_what_needs_it_and_fails_nothing(monkeypatch, capsys):
    monkeypatch.setenv(QUICK_VARIABLE, "0")
    nowhere = ["--redis", "redis://127.0.0.1:1", "--postgres", "postgres://127.0.0.1:1/postgres"]

    assert main(["--quick", "--systems", "celery-redis,floor", "--only", "chain", *nowhere]) == 0
    assert "Redis is not there" in capsys.readouterr().out
