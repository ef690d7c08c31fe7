"""Pages of a run's history, and a cursor to go on from when more has happened."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gorkflow.errors import PayloadError
from gorkflow.records import HistoryEvent

OVERLAP = timedelta(seconds=5)
"""How much later than the events after it an event may be committed and still be told."""

MAX_SEEN = 200
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Some events, oldest first."""

    events: Sequence[HistoryEvent]
    cursor: str
    """Gives what comes after, now or later."""
    has_more: bool


def page_of(history: Sequence[HistoryEvent], cursor: str | None, limit: int) -> HistoryPage:
    """Return the events that the cursor has not given yet, at most `limit`.

    Each event comes once. Only where very many fall into a few seconds may one come twice, with
    the same id.

    Raises:
        PayloadError: the cursor is none of a history's.

    """
    since, seen = (_BEGINNING, frozenset()) if cursor is None else _read(cursor)
    new = [event for event in history if event.at >= since and event.id not in seen]
    page = new[:limit]
    given = [event for event in history if event.id in seen] + page
    if page:
        since = max(event.at for event in given) - OVERLAP
    recent = [event for event in given if event.at >= since][-MAX_SEEN:]
    return HistoryPage(events=page, cursor=_written(since, recent), has_more=len(new) > limit)


def _written(since: datetime, given: Sequence[HistoryEvent]) -> str:
    text = json.dumps([since.isoformat(), [event.id for event in given]])
    return base64.urlsafe_b64encode(text.encode()).decode()


def _read(cursor: str) -> tuple[datetime, frozenset[str]]:
    try:
        since, seen = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        moment = datetime.fromisoformat(since)
        if moment.tzinfo is None:
            raise ValueError
        return moment, frozenset(str(each) for each in seen)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise PayloadError(f"{cursor!r:.80} is not a cursor of a history") from None
