"""The table at the end of a chaos run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chaos.ledger import Kind
from chaos.plans import KILLS, Blow
from chaos.striking import FELL
from chaos.transport import Fate

FAULTS = (*KILLS, *(blow for blow in Blow if blow not in KILLS))


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures as a Markdown table."""
    lines = [f"| {name} | {value} |" for name, value in _rows(figures)]
    return "\n".join(["| What | Figures |", "| --- | --- |", *lines])


def idle(figures: Mapping[str, Any]) -> Iterator[str]:
    """Find what should have been done to the runs and was not: a quiet run proves nothing."""
    for blow in FAULTS:
        if blow not in KILLS and not figures["blows"].get(blow):
            yield f"idle: no {blow}"
    if not any(figures["blows"].get(blow) for blow in KILLS):
        yield "idle: nothing was killed"
    for fate in (Fate.DROPPED, Fate.DOUBLED, Fate.DELAYED):
        if not figures["messages"].get(fate):
            yield f"idle: no message was {fate}"


def _rows(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    messages, blows = figures["messages"], figures["blows"]
    kinds = [finding["kind"] for finding in figures["findings"]]
    yield "runs", _total(figures["runs"])
    yield "started twice at once, or again by a starter that was killed", figures["doubled_starts"]
    yield "steps", _total(figures["steps"])
    yield (
        "attempts",
        f"{figures['attempts']}, of them {figures['attempts_lost']} lost with their worker",
    )
    yield "rows written by atomic steps", figures["effects"]
    yield "processes killed", _total({blow: blows.get(blow, 0) for blow in KILLS})
    yield "other blows", _list({blow: blows.get(blow, 0) for blow in FAULTS if blow not in KILLS})
    yield "workers that Celery ended after a blow", str(blows.get(FELL, 0))
    yield "messages", _total({fate.value: messages.get(fate, 0) for fate in Fate})
    seconds = {name: figures[f"recovery_{name}"] for name in ("p50", "p95", "max")}
    times = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    yield (
        "steps hit by a kill, seconds until another worker had them",
        f"{figures['recoveries']}: {times}",
    )
    yield "lost", str(kinds.count(Kind.LOST))
    yield "committed twice", str(kinds.count(Kind.DOUBLED))
    yield "limits and promises broken", str(kinds.count(Kind.BROKEN))


def _total(counts: Mapping[str, int]) -> str:
    return f"{sum(counts.values())}: {_list(counts)}"


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def explain(wrong: Sequence[str]) -> str:
    """Return what is wrong, a line each, the first hundred."""
    most = 100
    more = [f"... and {len(wrong) - most} more"] if len(wrong) > most else []
    return "\n".join(f"- {line}" for line in (*wrong[:most], *more))
