"""How long it took from a kill until another worker had the step that it hit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from chaos.ledger import RunFacts

LOST = "WORKER_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recoveries:
    """Seconds, in order."""

    seconds: Sequence[float]

    def share(self, part: float) -> float:
        """Return the smallest time that this part of the recoveries did not exceed; 0 for none."""
        if not self.seconds:
            return 0.0
        return self.seconds[min(len(self.seconds) - 1, int(part * len(self.seconds)))]


def recoveries(runs: Iterable[RunFacts], kills: Iterable[Mapping[str, Any]]) -> Recoveries:
    """Find the steps that kills hit.

    Args:
        runs: with every attempt; its worker is "host:pid:thread".
        kills: `at` in seconds since 1970, `pids` of the processes killed.

    """
    deaths = {
        str(pid): datetime.fromtimestamp(kill["at"], UTC) for kill in kills for pid in kill["pids"]
    }
    return Recoveries(seconds=sorted(_found(runs, deaths)))


def _found(runs: Iterable[RunFacts], deaths: Mapping[str, datetime]) -> Iterator[float]:
    for run in runs:
        for step in run.steps:
            for lost, following in pairwise(step.attempts):
                died = deaths.get(lost.worker.split(":")[1]) if lost.worker else None
                if died is None or lost.error != LOST or following.started_at is None:
                    continue
                if lost.started_at and lost.ended_at and lost.started_at < died < lost.ended_at:
                    yield (following.started_at - died).total_seconds()
