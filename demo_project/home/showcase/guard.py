"""Ends the demo's processes when the demo itself has been killed and could not do it.

It reads the process ids of group leaders, one a line, from a pipe whose other end the demo alone
holds. The end of the pipe is the end of the demo, whatever that was; a demo that stops in good
order stops its guard before.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

GRACE = 5.0
"""Seconds that a process has to stop by itself."""


def main() -> None:
    leaders = [int(line) for line in sys.stdin]
    for leader in leaders:
        with suppress(ProcessLookupError):
            os.kill(leader, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(map(_lives, leaders)):
        time.sleep(0.1)
    for leader in leaders:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
