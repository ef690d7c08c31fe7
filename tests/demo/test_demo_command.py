"""`python manage.py demo` as a newcomer runs it: a real worker, a real web server, real files."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.process


@pytest.fixture
def env(tmp_path):
    """What a bare machine has: no server's address, and directories of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        kept.pop(name, None)
    return {**kept, "DEMO_VAR_DIR": str(tmp_path / "var dir")}


def demo(env, *args):
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *args],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def processes_of(env):
    """The processes that were started with this environment, by the mark of their directory."""
    mark = f"DEMO_VAR_DIR={env['DEMO_VAR_DIR']}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
        except OSError:
            continue
    return found


def test_once_runs_everything_and_a_second_time_as_well(env):
    for _ in range(2):
        done = demo(env, "--once")

        assert done.returncode == 0, done.stdout + done.stderr
        assert "Every run ended as expected." in done.stdout
        assert len(re.findall(r"^.* yes\s*$", done.stdout, re.MULTILINE)) == 7
    assert processes_of(env) == []


def test_a_worker_that_dies_at_the_start_is_told_with_the_end_of_its_log(env):
    done = demo({**env, "CELERY_BROKER_URL": "nonsense://"}, "--once")

    assert done.returncode == 1
    assert "the worker ended with exit code 1" in done.stderr
    assert "worker.log" in done.stderr
    assert "No such transport: nonsense" in done.stderr
    assert processes_of(env) == []


def end(env, sign):
    """Start the demo, send it a signal while runs are under way, and return its end."""
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo"],
        cwd=ROOT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdout
        for line in running.stdout:
            if "RUNNING" in line:
                break
        assert len(processes_of(env)) >= 5, "demo, guard, web server, worker and its children"
        running.send_signal(sign)
        rest = running.stdout.read()
    deadline = time.monotonic() + 40
    while processes_of(env) and time.monotonic() < deadline:
        time.sleep(0.05)
    return running.returncode, rest


def test_sigterm_stops_everything_it_started(env):
    code, rest = end(env, signal.SIGTERM)

    assert code == 0, rest
    assert "Stopping the worker and the web server." in rest
    assert processes_of(env) == []


def test_nothing_it_started_outlives_it_when_it_is_killed(env):
    end(env, signal.SIGKILL)

    assert processes_of(env) == []
