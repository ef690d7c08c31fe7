"""What happened to a run, as lines of its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gorkflow.admin.display import full_moment, status_pill, status_word
from gorkflow.engine.history import run_history
from gorkflow.records import EventRecord, HistoryEvent, RunRecord, StepRecord
from gorkflow.statuses import EventKind

NEWEST = 200
"""Lines on a page."""

WORDS: dict[EventKind, tuple[Promise, str]] = {
    EventKind.RUN_CREATED: (_("Created"), "PENDING"),
    EventKind.RUN_STARTED: (_("Begun"), "RUNNING"),
    EventKind.RUN_COMPLETED: (_("Completed"), "COMPLETED"),
    EventKind.RUN_FAILED: (_("Failed"), "FAILED"),
    EventKind.RUN_CANCELLED: (_("Cancelled"), "CANCELLED"),
    EventKind.RUN_RETRIED: (_("Retried"), "RETRYING"),
    EventKind.RUN_RERUN: (_("Run again"), "RETRYING"),
    EventKind.STEP_STARTED: (_("begun"), "RUNNING"),
    EventKind.STEP_COMPLETED: (_("completed"), "COMPLETED"),
    EventKind.STEP_FAILED: (_("failed"), "FAILED"),
    EventKind.STEP_SKIPPED: (_("skipped"), "SKIPPED"),
    EventKind.STEP_CANCELLED: (_("cancelled"), "CANCELLED"),
}
"""What is said, and the status whose icon stands before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event."""

    at: str
    icon: str
    what: Promise
    step: str
    attempt: int
    """Where it was not the first."""
    actor: str
    by_hand: bool
    """Whether the actor did it, and is no worker."""
    reason: str
    ended: str
    """How the run had ended before a retry."""
    run_url: str
    """The run that a rerun started."""


def history(
    run: RunRecord,
    steps: Sequence[StepRecord],
    acts: Sequence[EventRecord],
    run_url: Callable[[UUID], str],
    *,
    with_details: bool,
) -> tuple[list[Line], int]:
    """Return the newest events, latest last, and how many came before them.

    What people gave as their reason may speak of payloads, and is for those who may see them.
    """
    names = {step.step_id: step.name for step in steps}
    events = run_history(run, steps, acts)
    lines = [_line(each, names, run_url, with_details=with_details) for each in events[-NEWEST:]]
    return lines, max(len(events) - NEWEST, 0)


def _line(
    event: HistoryEvent,
    names: dict[str, str],
    run_url: Callable[[UUID], str],
    *,
    with_details: bool,
) -> Line:
    what, status = WORDS[event.kind]
    ended, new_run = event.data.get("status", ""), event.data.get("run_id")
    return Line(
        at=full_moment(event.at),
        icon=status_pill(status, word=""),
        what=what,
        step=names.get(event.step_id, event.step_id),
        attempt=event.attempt if event.attempt > 1 else 0,
        actor=event.actor,
        by_hand=not event.step_id,
        reason=event.reason if with_details else "",
        ended=status_word(ended) if ended else "",
        run_url=run_url(UUID(new_run)) if new_run else "",
    )
