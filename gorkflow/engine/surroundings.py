"""What a process has only one of, and the next handler in it relies on."""

from __future__ import annotations

import os


class KeptDirectory:
    """Goes back to the directory in which it was made, after each of its bodies."""

    def __init__(self) -> None:
        self._before = _directory()

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, *_error: object) -> None:
        if self._before is not None and _directory() != self._before:
            os.chdir(self._before)


def _directory() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  the hot path
    except OSError:
        # Somebody has removed it.
        return None
