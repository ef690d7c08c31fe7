"""Celery workers to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from servers.base import end_group, kill_group

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120.0
POLL_SECONDS = 0.05


class StalledError(Exception):
    """Something did not happen; says what, and where to look."""


def wait_for(check: Callable[[], bool], what: str, seconds: float) -> None:
    """Poll until `check()` is true. Raises StalledError."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise StalledError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(POLL_SECONDS)


def manage(environment: Mapping[str, str], *command: str) -> str:
    """Run a Django command or, with "-c", Python code in the project; return what it prints."""
    module = () if command[0] == "-c" else ("-m", "django")
    done = subprocess.run(
        [sys.executable, *module, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StalledError(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


class Worker:
    """A `celery worker` in a process group of its own.

    Args:
        name: which no other worker has.
        pool: Celery's name of it.
        size: how many steps it runs at once.
        environment: the project's.
        logs: a directory.

    """

    def __init__(
        self, name: str, pool: str, size: int, *, environment: Mapping[str, str], logs: Path
    ) -> None:
        self._log = logs / f"{name}.log"
        command = ["-m", "celery", "-A", "recovery.celery_app", "worker", "--loglevel", "info"]
        options = ["--pool", pool, "--concurrency", str(size), "--hostname", f"{name}@localhost"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", *command, *options],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Tell whether it consumes."""
        if self._process.poll() is not None:
            raise StalledError(f"a worker has ended; see {self._log}")
        return " ready." in self._log.read_text(errors="replace")

    def leads(self, pid: int) -> bool:
        """Tell whether a process is of this worker."""
        return os.getpgid(pid) == self._process.pid

    def kill(self) -> None:
        """SIGKILL all of its processes, as a machine that loses power would."""
        kill_group(self._process)

    def stop(self) -> None:
        """End it warmly, and insist after a while."""
        end_group(self._process)


def kill(pid: int, workers: Sequence[Worker], *, only_child: bool) -> None:
    """SIGKILL a process, or the whole worker that it is of."""
    if only_child:
        os.kill(pid, signal.SIGKILL)
        return
    (owner,) = [worker for worker in workers if worker.leads(pid)]
    owner.kill()
