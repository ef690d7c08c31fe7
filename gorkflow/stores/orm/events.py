"""Acts on runs: recorded in the transaction that does them, read for the history."""

from __future__ import annotations

from uuid import UUID

from gorkflow.models import RunEvent
from gorkflow.records import EventRecord
from gorkflow.statuses import ActKind
from gorkflow.stores.base import NewEvent
from gorkflow.stores.orm.clock import DatabaseTime


def record_event(run_id: UUID, event: NewEvent | None, using: str) -> None:
    """Insert the event, if there is one."""
    if event is None:
        return
    row = RunEvent(
        run_id=run_id,
        at=DatabaseTime(),
        kind=event.kind,
        actor=event.actor,
        reason=event.reason,
        data=dict(event.data),
    )
    row.save(using=using, force_insert=True)


def list_events(run_id: UUID, using: str) -> list[EventRecord]:
    """Return the events of a run, oldest first."""
    return [
        EventRecord(
            run_id=run_id,
            at=row.at,
            kind=ActKind(row.kind),
            actor=row.actor,
            reason=row.reason,
            data=row.data,
        )
        for row in RunEvent.objects.using(using).filter(run_id=run_id).order_by("id")
    ]
