"""What is recorded of an act on a run: who did it, and why."""

from __future__ import annotations

from typing import Any

from gorkflow.config import MAX_ACTOR, MAX_REASON
from gorkflow.errors import PayloadError
from gorkflow.records import RunRecord, storable_text
from gorkflow.statuses import ActKind
from gorkflow.stores.base import NewEvent


def new_event(kind: ActKind, *, actor: str, reason: str, **data: Any) -> NewEvent:
    """Return the event of an act.

    Raises:
        PayloadError: actor or reason is no text, or too long.

    """
    return NewEvent(
        kind=kind,
        actor=_checked("actor", actor, MAX_ACTOR),
        reason=_checked("reason", reason, MAX_REASON),
        data=data,
    )


def retry_event(run: RunRecord, *, actor: str, reason: str) -> NewEvent:
    """Return the event of a retry, with how the run had ended: the run itself forgets that."""
    ended = {"status": run.status, "ended_at": run.ended_at and run.ended_at.isoformat()}
    error = {} if run.error is None else {"error": run.error.public().to_dict()}
    return new_event(ActKind.RETRY, actor=actor, reason=reason, **ended, **error)


def _checked(name: str, text: str, limit: int) -> str:
    if not isinstance(text, str):
        raise _bad(name, f"must be text, not {type(text).__name__}")
    # Spelt out rather than refused: a cancel must not fail for the words that go with it.
    text = storable_text(text)
    if len(text) > limit:
        raise _bad(name, f"must have at most {limit} characters, not {len(text)}")
    return text


def _bad(name: str, why: str) -> PayloadError:
    error = {"loc": [name], "msg": why, "type": "value_error"}
    return PayloadError(f"{name} {why}", errors=[error])
