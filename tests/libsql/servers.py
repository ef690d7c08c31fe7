"""Real libSQL servers: started on a free port, stopped by their pid."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0


def find_sqld():
    """Return the server's program, or None."""
    return os.environ.get("SQLD") or shutil.which("sqld")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One sqld in a directory of its own."""

    def __init__(self, directory, *options):
        self.port = free_port()
        self.url = f"libsql://127.0.0.1:{self.port}?tls=0"
        self._directory = directory
        self._options = options
        self._process = None
        self.start()

    def start(self):
        address = f"127.0.0.1:{self.port}"
        with (self._directory / "sqld.log").open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(find_sqld(), "--no-welcome", "--http-listen-addr", address),
                    *("--db-path", self._directory / "data", *self._options),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, (self._directory / "sqld.log").read_text()
            assert time.monotonic() < deadline, f"{self.url} does not answer"
            time.sleep(0.05)

    def _answers(self):
        with suppress(OSError):
            health = f"http://127.0.0.1:{self.port}/health"
            with urllib.request.urlopen(health, timeout=1) as answer:
                return answer.status == 200
        return False

    def kill(self):
        """End it as a machine that loses power would."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        self._process.wait()

    def pause(self):
        """Let it answer no more, with its sockets open."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitpid(self._process.pid, os.WUNTRACED)  # until it has stopped

    def resume(self):
        self._process.send_signal(signal.SIGCONT)
