"""Start the worker and the web server as child processes, and stop them whatever happens."""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType

from demo_project.home.showcase import guard

HOST = "127.0.0.1"
FIRST_PORT, LAST_PORT = 8000, 8099
GRACE = 10.0
"""Seconds a process has to stop by itself."""
TAIL_LINES = 20


class ShowcaseError(Exception):
    """The demo cannot go on; the message says why, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process, the leader of its own group, and where its log begins."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_begins: int

    def check(self) -> None:
        """Raise ShowcaseError with the end of the log if the process is gone."""
        code = self.process.poll()
        if code is not None:
            raise ShowcaseError(f"the {self.name} ended with exit code {code}.\n{self.tail()}")

    def tail(self) -> str:
        """Return the last lines that this process has logged."""
        with self.log.open("rb") as file:
            file.seek(self.log_begins)
            lines = file.read().decode(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([f"The end of {self.log}:", *(f"  {line}" for line in lines)])


class Children:
    """The processes that were started, to be checked and stopped together."""

    def __init__(self, log_dir: Path, cwd: Path) -> None:
        self.log_dir = log_dir
        self.cwd = cwd
        self.all: list[Child] = []
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, name: str, argv: Sequence[str]) -> Child:
        """Start a process that logs to `<name>.log`."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        log = self.log_dir / f"{name}.log"
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603  our own command lines
                list(argv),
                cwd=self.cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C reaches the demo alone, and it stops the others.
                start_new_session=True,
            )
            child = Child(name=name, process=process, log=log, log_begins=file.tell())
        self.all.append(child)
        self._put_under_guard(process.pid)
        return child

    def _put_under_guard(self, pid: int) -> None:
        if self._guard is None:
            self._guard = subprocess.Popen(  # noqa: S603
                [sys.executable, guard.__file__], stdin=subprocess.PIPE, start_new_session=True
            )
        assert self._guard.stdin
        self._guard.stdin.write(f"{pid}\n".encode())
        self._guard.stdin.flush()

    def check(self) -> None:
        """Raise ShowcaseError if one of them is gone."""
        for child in self.all:
            child.check()

    def stop(self, grace: float = GRACE) -> None:
        """Ask all to stop, wait, then kill what is left of their groups."""
        # The leader alone is asked: a Celery worker lets its children finish their steps.
        for child in self.all:
            with suppress(ProcessLookupError):
                child.process.terminate()
        deadline = time.monotonic() + grace
        try:
            for child in self.all:
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:  # a second Ctrl-C: no more patience
            pass
        finally:
            for child in self.all:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
            self._dismiss_guard()

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None


def worker_command() -> list[str]:
    """Return the command line of a real prefork worker with two processes."""
    celery = [sys.executable, "-m", "celery", "--app", "demo_project", "worker"]
    name = f"demo-{os.getpid()}@{socket.gethostname()}"
    return [*celery, "--pool", "prefork", "--concurrency", "2", "-l", "INFO", "--hostname", name]


def web_command(manage: Path, port: int) -> list[str]:
    """Return the command line of the web server."""
    return [sys.executable, str(manage), "runserver", "--noreload", f"{HOST}:{port}"]


def choose_port(wanted: int | None) -> int:
    """Return the wanted port, or the first free one if none is wanted.

    Raises:
        ShowcaseError: the wanted one, or every one of them, is taken.

    """
    candidates = range(FIRST_PORT, LAST_PORT + 1) if wanted is None else [wanted]
    for port in candidates:
        if _is_free(port) and _is_mine(port):
            return port
    if wanted is None:
        msg = f"the ports {FIRST_PORT} to {LAST_PORT} are all taken; name another with --port"
    else:
        msg = f"port {wanted} is taken or may not be used; leave --port out to get a free one"
    raise ShowcaseError(msg)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            return False
    return True


def _is_mine(port: int) -> bool:
    """Keep the port from another demo that is started before our web server listens."""
    lock = (Path(tempfile.gettempdir()) / f"gorkflow-demo-{os.getuid()}-{port}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    # Held until this process ends.
    atexit.register(lock.close)
    return True


def wait_for_web(child: Child, port: int, timeout: float = 30.0) -> None:
    """Wait until the start page answers."""
    deadline = time.monotonic() + timeout
    while (status := get_status(port, "/")) is None:
        child.check()
        if time.monotonic() > deadline:
            raise ShowcaseError(f"the web server does not answer.\n{child.tail()}")
        time.sleep(0.1)
    if status != 200:  # noqa: PLR2004  HTTP's own number
        raise ShowcaseError(f"the start page answers {status}.\n{child.tail()}")


def get_status(port: int, path: str) -> int | None:
    """Return the HTTP status of a page; None if nobody answers."""
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
    except (OSError, HTTPException):
        return None
    else:
        return response.status
    finally:
        connection.close()


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the demo as Ctrl-C does, so that nothing is left running."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
