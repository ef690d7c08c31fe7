"""The server under load: gunicorn with two workers, on a port of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gunicorn(port: int, workers: int, threads: int, log: Path) -> Iterator[Callable[[], float]]:
    """Serve the project until the end of the block; give what tells its seconds of CPU so far."""
    command = [
        *(sys.executable, "-W", "ignore", "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"),
        *("--workers", str(workers), "--worker-class", "gthread", "--threads", str(threads)),
        *("--keep-alive", "30", "--log-level", "warning"),
        "django.core.wsgi:get_wsgi_application()",
    ]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        _wait_for(port, process, log)
        yield lambda: _cpu_seconds(process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.wait()


def _cpu_seconds(pid: int) -> float:
    import psutil  # noqa: PLC0415  of the group bench

    times = [each.cpu_times() for each in psutil.Process(pid).children()]
    return float(sum(each.user + each.system for each in times))


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"gunicorn does not answer: {log.read_text()[-2000:]}")
