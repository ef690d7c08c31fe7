"""Which files the weather workflow may read.

Whoever may start a run names the file, so this is the gate between an API user and the disk: only
files in the directories of `settings.WEATHER_DATA_DIRS`, after symbolic links are followed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

BUNDLED = Path(__file__).parent / "data"
"""What comes with the demo."""


class FileRefusedError(ValueError):
    """The path lies outside of the directories that may be read.

    The message is the same whether or not such a file exists.
    """


def data_dirs() -> list[Path]:
    """Return the directories that may be read, most important first."""
    return [Path(name).resolve() for name in getattr(settings, "WEATHER_DATA_DIRS", [BUNDLED])]


def locate(path: str, dirs: Sequence[Path] | None = None) -> Path:
    """Return the absolute path of an allowed file; it need not exist.

    Args:
        path: a name relative to one of the directories, or an absolute path inside one.
        dirs: the directories, those of the settings if not given.

    Raises:
        FileRefusedError: the path leads elsewhere.

    """
    allowed = data_dirs() if dirs is None else dirs
    if not path.strip() or "\x00" in path:
        msg = "a file name is needed"
        raise FileRefusedError(msg)
    candidates = [_resolve(base, path) for base in allowed]
    inside = [
        found for found in candidates if found and any(found.is_relative_to(d) for d in allowed)
    ]
    if not inside:
        # Names alone: where they lie on the server is nobody's business.
        shown = ", ".join(base.name for base in allowed) or "no directory at all"
        msg = f"files are read from the directories of WEATHER_DATA_DIRS only: {shown}"
        raise FileRefusedError(msg)
    # Path.is_file() raises for names that are too long.
    return next((found for found in inside if os.path.isfile(found)), inside[0])  # noqa: PTH113


def available() -> list[str]:
    """Return the names of the CSV files that could be read now."""
    return sorted({path.name for base in data_dirs() for path in base.glob("*.csv")})


def _resolve(base: Path, path: str) -> Path | None:
    try:
        return (base / path).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a name no disk can hold
        return None
