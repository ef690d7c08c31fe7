"""What a process has only one of, and the next handler in it relies on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_directory() -> Iterator[None]:
    """Go back to the working directory afterwards, where this thread is the only one at work."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _directory()
    try:
        yield
    finally:
        if before is not None and _directory() != before:
            os.chdir(before)


def _directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  the hot path
    except OSError:
        # Somebody has removed it.
        return None
