"""Append-only files that many processes write and a SIGKILL cannot tear."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DIRECTORY_VARIABLE = "GORKFLOW_CHAOS_DIRECTORY"
EXECUTIONS = "executions.jsonl"
STARTS = "starts.jsonl"
MESSAGES = "messages.jsonl"
BLOWS = "blows.jsonl"


def directory() -> Path:
    """Return where this chaos run keeps its files."""
    return Path(os.environ[DIRECTORY_VARIABLE])


def note(name: str, **entry: Any) -> None:
    """Append one entry. A single short write with O_APPEND is whole or not there."""
    line = json.dumps(entry, separators=(",", ":")) + "\n"
    file = os.open(directory() / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def entries(name: str, where: Path | None = None) -> Iterator[dict[str, Any]]:
    """Yield what was noted; nothing if nothing was."""
    path = (where or directory()) / name
    if path.exists():
        for line in path.read_text().splitlines():
            yield json.loads(line)


def tally(name: str, key: str, where: Path | None = None) -> Mapping[str, int]:
    """Count entries by one of their fields."""
    return Counter(entry[key] for entry in entries(name, where))
