"""The processes under fire: Celery workers and those who start runs, in groups of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from servers.base import kill_group

ROOT = Path(__file__).resolve().parent.parent
POOLS = (("prefork", 3), ("prefork", 3), ("threads", 4))
"""Of each worker: Celery's pool and how many steps it runs at once."""
STARTERS = 2
RELAUNCH_SECONDS = 1.0
"""What a supervisor takes until it starts again what has died."""
WARM_SECONDS = 60.0


class Member:
    """A process that is started again when it dies.

    Args:
        name: for the reader.
        command: arguments for this Python.
        log: where it prints to.
        may_end: whether it has to do only so much; a worker works until it is stopped.

    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, may_end: bool = False
    ) -> None:
        self.name = name
        self._may_end = may_end
        self.is_stalled = False
        self._command = command
        self._log = log
        self._struck = False
        self.hit = float("-inf")
        """When one of its processes was last killed, by `time.monotonic`."""
        self._died: float | None = None
        self._launched: list[subprocess.Popen[bytes]] = []
        self._launch()

    def _launch(self) -> None:
        self._struck, self._died = False, None
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", *self._command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._launched.append(process)

    @property
    def pid(self) -> int:
        """Its main process, which leads its group."""
        return self._launched[-1].pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it lives."""
        return self._launched[-1].poll()

    @property
    def is_done(self) -> bool:
        """Whether it has ended as one that has nothing more to do."""
        return self._may_end and self.code == 0

    def children(self) -> list[int]:
        """Return the other processes of its group."""
        return [pid for pid in _group(self.pid) if pid != self.pid]

    def supervise(self) -> str | None:
        """Start it again some time after it died; return what is wrong if nobody killed it."""
        if self.code is None or self.is_done:
            return None
        trouble = None
        if self._died is None:
            self._died = time.monotonic()
            if not self._struck:
                trouble = f"{self.name} ended by itself, with exit code {self.code}"
        elif time.monotonic() > self._died + RELAUNCH_SECONDS:
            self._launch()
        return trouble

    def kill(self, pid: int) -> None:
        """SIGKILL one of its processes."""
        self._struck = self._struck or pid == self.pid
        self.hit = time.monotonic()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def kill_all(self) -> None:
        """SIGKILL all of its processes, as a machine that loses power would."""
        self._struck = True
        kill_group(self._launched[-1])

    def stall(self) -> None:
        """SIGSTOP all of its processes."""
        self.is_stalled = True
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT all of its processes."""
        self.is_stalled = False
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGCONT)

    def stop(self) -> str | None:
        """Let it end warmly; return what is wrong if it does not."""
        process, trouble = self._launched[-1], None
        process.terminate()
        try:
            process.wait(WARM_SECONDS)
        except subprocess.TimeoutExpired:
            trouble = f"{self.name} did not end within {WARM_SECONDS:.0f} s of SIGTERM"
        self.clear()
        return trouble

    def clear(self) -> None:
        """SIGKILL whatever is left of it, orphans of earlier lives too."""
        for process in self._launched:
            kill_group(process)


def worker(index: int, logs: Path) -> Member:
    """Start a Celery worker."""
    pool, size = POOLS[index]
    name = f"worker-{index}"
    command = ["-m", "celery", "-A", "chaos.celery_app", "worker", "--loglevel", "WARNING"]
    options = ["--pool", pool, "--concurrency", str(size), "--hostname", f"{name}@localhost"]
    return Member(name, [*command, *options], logs / f"{name}.log")


def starter(index: int, logs: Path, *, seed: int, runs: int, seconds: float) -> Member:
    """Start a process that starts runs."""
    name = f"starter-{index}"
    options = {
        "index": index,
        "of": STARTERS,
        "seed": seed,
        "runs": runs,
        "seconds": seconds,
        "began": time.time(),
    }
    flags = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    command = ["-m", "django", "chaos_start", *flags]
    return Member(name, command, logs / f"{name}.log", may_end=True)


def _group(leader: int) -> Iterator[int]:
    # Zombies are nobody's victims.
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,pgid=,stat="], capture_output=True, text=True, check=True
    )
    for line in listed.stdout.splitlines():
        pid, group, state = line.split()
        if int(group) == leader and not state.startswith("Z"):
            yield int(pid)
