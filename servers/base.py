"""What every server has in common."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

START_SECONDS = 90.0
STOP_SECONDS = 30.0
DATABASE = "gorkflow"
"""The database that a database server has."""
PORTS = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections: while a server is down nobody else
gets its port, and a client that knocks there does not end up connected to itself."""


class MissingServerError(Exception):
    """A server is not installed here, or did not start; says which and why."""


class Server(ABC):
    """One server process group.

    Args:
        home: a directory of its own, which need not exist.

    """

    name: str
    crash_signal = signal.SIGKILL
    """What ends it without a chance to tidy up."""
    account = ""
    """The system's user that it runs as where we are root; empty for our own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        home.mkdir(parents=True, exist_ok=True)
        if user := self._user():
            owner = pwd.getpwnam(user)
            os.chown(home, owner.pw_uid, owner.pw_gid)

    @property
    @abstractmethod
    def url(self) -> str:
        """What clients connect to."""

    @abstractmethod
    def launch(self) -> None:
        """Start the processes."""

    @abstractmethod
    def knock(self) -> None:
        """Raise whatever the client raises if the server does not answer."""

    def start(self) -> None:
        """Start it and wait until it answers. Raises MissingServerError."""
        self.launch()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.knock()
            except Exception as error:
                if self._has_ended() or time.monotonic() > deadline:
                    raise MissingServerError(
                        f"{self.name} does not answer: {error}\n{self._end_of_log()}"
                    ) from error
            else:
                return
            time.sleep(0.1)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, gently or not; a second call does nothing."""
        while self._processes:
            end_group(self._processes[-1], sign)
            self._processes.pop()

    def stall(self) -> None:
        """SIGSTOP it: it takes connections and answers nobody."""
        for process in self._processes:
            os.killpg(process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT it."""
        for process in self._processes:
            os.killpg(process.pid, signal.SIGCONT)

    def restart(self, *, crash: bool) -> float:
        """Stop it, start it again, and return for how many seconds nobody could reach it."""
        began = time.monotonic()
        self.stop(self.crash_signal if crash else signal.SIGTERM)
        self.start()
        return time.monotonic() - began

    def _prepare(self, command: Sequence[str | Path]) -> None:
        """Run what makes the server's files, to its end."""
        made = subprocess.run(
            command,
            cwd=self.home,
            user=self._user(),
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise MissingServerError(f"{command[0]} failed: {made.stdout}{made.stderr}")

    def _user(self) -> str | None:
        """Return whom its processes run as: some servers refuse to be root."""
        return self.account if self.account and os.geteuid() == 0 else None

    def _run(self, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        with self.log.open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=self.home,
                    env={**os.environ, **(env or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C is ours: servers end after those who use them.
                    start_new_session=True,
                    user=self._user(),
                )
            )

    @property
    def log(self) -> Path:
        """What it prints goes there."""
        return self.home.with_suffix(".log")

    def _has_ended(self) -> bool:
        return any(process.poll() is not None for process in self._processes)

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


def free_port() -> int:
    """Return a port that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def end_group(process: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGTERM) -> None:
    """End a process that leads a group: ask its leader, wait, then kill whoever is left."""
    if process.poll() is None:
        process.send_signal(sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the whole group, as a machine that loses power would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def program(name: str) -> str:
    """Return the path of an installed program. Raises MissingServerError."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingServerError(f"{name} is not installed here")
    return found
