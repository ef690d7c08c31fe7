"""The command that takes pictures of the demo at work."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("DJANGO_", "DATABASE_URL", "CELERY_", "PYTEST_")


def test_pictures_are_taken_of_the_demo_at_work(chromium, tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}

    ended = subprocess.run(
        [
            *(sys.executable, "-m", "screenshots", "--rounds", "1"),
            *("--only", "graph", "--to", str(tmp_path)),
        ],
        check=False,
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=170,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    taken = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    assert set(taken) == {"graph-light.png", "graph-dark.png", "graph-phone.png"}
    assert all(each.startswith(b"\x89PNG") and len(each) > 2000 for each in taken.values())
