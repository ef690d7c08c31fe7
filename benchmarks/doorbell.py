"""A named pipe on which workers say that something has ended, without a poll or a server."""

from __future__ import annotations

import os
import select
import tempfile
import time

from benchmarks.workloads import patience

__all__ = ["Doorbell", "ring"]

_pipes: dict[tuple[int, str], int] = {}


class Doorbell:
    """The driver's end."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="gorkflow-bench-")
        self.path = f"{self._directory.name}/ended"
        os.mkfifo(self.path)
        # For writing too: a pipe without a writer reads as ended.
        self._pipe = os.open(self.path, os.O_RDWR)
        self._rest = b""

    def wait_for(self, wanted: set[str]) -> None:
        """Block until each of these has been rung. Raises TimeoutError."""
        left = set(wanted)
        deadline = time.monotonic() + patience()
        while left:
            if not select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"{len(left)} of {len(wanted)} did not end in {patience():g} s")
            *lines, self._rest = (self._rest + os.read(self._pipe, 65_536)).split(b"\n")
            left.difference_update(line.decode() for line in lines)

    def close(self) -> None:
        """Remove the pipe."""
        os.close(self._pipe)
        self._directory.cleanup()


def ring(path: str, text: str) -> None:
    """Say that something has ended; one short line is written as a whole."""
    key = (os.getpid(), path)
    if key not in _pipes:
        _pipes[key] = os.open(path, os.O_WRONLY)
    os.write(_pipes[key], f"{text}\n".encode())
