"""How SQLite is set for every system: as the demo project has it."""

from __future__ import annotations

SETTINGS = {"journal_mode": "WAL", "synchronous": "NORMAL", "wal_autocheckpoint": "4000"}
PRAGMAS = [f"PRAGMA {name}={value}" for name, value in SETTINGS.items()]
STATED = ", ".join(f"{name}={value}" for name, value in SETTINGS.items())
"""For the report."""
