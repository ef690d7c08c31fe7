"""Heartbeats: renewing leases, whatever else holds a row."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db import connections

from gorkflow.models import StepExecution
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.transactions import write_transaction


def renew(beats: Mapping[UUID, tuple[float, str] | None], lease: float, using: str) -> set[UUID]:
    """Renew the leases of those tokens and store their progress; return the ones still held.

    A row that somebody has locked is passed over, so that it does not cost the others their
    leases; it counts as held until it is seen not to be.
    """
    held = StepExecution.objects.using(using).held().filter(token__in=list(beats))
    skip = connections[using].features.has_select_for_update_skip_locked
    with write_transaction(using):
        free = held.select_for_update(skip_locked=skip).values_list("pk", "token")
        rows = {pk: token for pk, token in free if token is not None}
        steps = StepExecution.objects.using(using).held()
        steps.filter(pk__in=rows).update(due_at=DatabaseTime(lease))
        for pk, token in rows.items():
            progress = beats[token]
            if progress is not None:
                steps.filter(pk=pk).update(progress=progress[0], progress_note=progress[1])
    return {token for token in held.values_list("token", flat=True) if token is not None}
