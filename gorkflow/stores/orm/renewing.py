"""Heartbeats: renewing leases, whatever else holds a row."""

from __future__ import annotations

from collections.abc import Container, Mapping

from django.db import connections
from django.db.models import QuerySet

from gorkflow.models import StepExecution
from gorkflow.stores.base import Lease
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.transactions import write_transaction


def renew(
    beats: Mapping[Lease, tuple[float, str] | None], seconds: float, using: str
) -> set[Lease]:
    """Renew these leases and store their progress; return the ones still held.

    A row that somebody has locked is passed over, so that it does not cost the others their
    leases; it counts as held until it is seen not to be.
    """
    held = StepExecution.objects.using(using).held()
    ours = held.filter(pk__in=[lease.row_id for lease in beats])
    skip = connections[using].features.has_select_for_update_skip_locked
    with write_transaction(using):
        free = _among(beats, ours.select_for_update(skip_locked=skip))
        held.filter(pk__in=[lease.row_id for lease in free]).update(due_at=DatabaseTime(seconds))
        for lease in free:
            progress = beats[lease]
            if progress is not None:
                held.filter(pk=lease.row_id).update(progress=progress[0], progress_note=progress[1])
    return _among(beats, ours)


def _among(beats: Container[Lease], rows: QuerySet[StepExecution]) -> set[Lease]:
    found = {Lease(pk, token) for pk, token in rows.values_list("pk", "token") if token is not None}
    return {lease for lease in found if lease in beats}
