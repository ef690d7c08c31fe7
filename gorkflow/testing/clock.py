"""A clock that moves only when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """Serves an engine and a memory store at once; sleeping moves it and takes no time."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> datetime:
        """Return the time in UTC; it begins at 2026-01-01."""
        return START + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Return the seconds since the beginning."""
        return self._passed

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._passed += max(0.0, seconds)

    advance = sleep
