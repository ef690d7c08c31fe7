"""What people did to a run, as lines of its page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gorkflow.admin.display import full_moment, status_word
from gorkflow.engine import Engine
from gorkflow.records import EventRecord, RunRecord
from gorkflow.statuses import ActKind

WORDS: dict[ActKind, Promise] = {
    ActKind.CANCEL: _("Cancelled"),
    ActKind.RETRY: _("Retried"),
    ActKind.RERUN: _("Rerun"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One act."""

    at: str
    what: Promise
    actor: str
    reason: str
    ended: str
    """How the run had ended before a retry."""
    run_url: str
    """The run that a rerun started."""


def history(engine: Engine, run: RunRecord, run_url: Callable[[UUID], str]) -> Sequence[Line]:
    """Return what people did to the run, oldest first, its start included."""
    start = Line(
        at=full_moment(run.created_at),
        what=_("Started"),
        actor=run.started_by,
        reason="",
        ended="",
        run_url="",
    )
    return [start, *(_line(event, run_url) for event in engine.get_events(run.id))]


def _line(event: EventRecord, run_url: Callable[[UUID], str]) -> Line:
    ended, new_run = event.data.get("status", ""), event.data.get("run_id")
    return Line(
        at=full_moment(event.at),
        what=WORDS[event.kind],
        actor=event.actor,
        reason=event.reason,
        ended=status_word(ended) if ended else "",
        run_url=run_url(UUID(new_run)) if new_run else "",
    )
