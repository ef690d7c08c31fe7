"""A disk that is really full: a small one in memory, with SQLite's files on it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
ENGINE = connection.settings_dict["ENGINE"]
MOUNT = f"mount -t tmpfs -o size=16m tmpfs {ROOT / 'var' / 'tests'}"


def alone(command):
    """Return a command that runs one with mounts that nobody else sees, and that end with it."""
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command]


@pytest.mark.skipif(not ENGINE.endswith("sqlite3"), reason="a server has a disk of its own")
def test_results_that_find_no_room_wait_or_are_lost_whole():
    try:
        subprocess.run(alone(MOUNT), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk cannot be mounted here: {error}")
    pytest_here = (
        f"{sys.executable} -m pytest -p no:cacheprovider tests/outages/test_finishing.py"
        # Django does not close a connection whose init_command fails.
        " -W ignore::pytest.PytestUnraisableExceptionWarning"
    )

    done = subprocess.run(
        alone(f"{MOUNT} && exec {pytest_here}"),
        cwd=ROOT,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert "3 passed" in done.stdout, done.stdout + done.stderr
