"""Run history: filters, and pages that stay stable while runs are added."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from gorkflow.errors import PayloadError
from gorkflow.models import WorkflowRun
from gorkflow.models.querysets import RunQuerySet
from gorkflow.records import RunFilter, RunPage
from gorkflow.stores.orm.rows import RUN_COLUMNS, count_steps, run_record

SEPARATOR = "~"


def list_runs(wanted: RunFilter, using: str) -> RunPage:
    """Return one page: one query for the runs, one for their step counts."""
    found = filter_runs(WorkflowRun.objects.using(using), wanted)
    if wanted.cursor is not None:
        found = found.filter(_after(wanted.cursor))
    ordered = found.order_by("-created_at", "-id").only(*RUN_COLUMNS)
    runs = list(ordered[: wanted.limit + 1])
    page = runs[: wanted.limit]
    counts = count_steps([run.id for run in page], using)
    more = len(runs) > wanted.limit
    return RunPage(
        runs=tuple(run_record(run, counts.get(run.id)) for run in page),
        next_cursor=_cursor(page[-1]) if more else None,
    )


def filter_runs(runs: RunQuerySet, wanted: RunFilter) -> RunQuerySet:
    """Apply every field of the filter that is set."""
    exact = {
        "workflow_id": wanted.workflow_id,
        "workflow_version": wanted.workflow_version,
        "resource_id": wanted.resource_id,
        "started_by": wanted.started_by,
        "created_at__gte": wanted.created_after,
        "created_at__lt": wanted.created_before,
    }
    runs = runs.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.statuses:
        runs = runs.filter(status__in=wanted.statuses)
    return runs.tagged(wanted.tags)


def _cursor(run: WorkflowRun) -> str:
    return f"{run.created_at.isoformat()}{SEPARATOR}{run.id}"


def _after(cursor: str) -> Q:
    moment, _, run_id = cursor.partition(SEPARATOR)
    try:
        created_at, last_id = datetime.fromisoformat(moment), UUID(run_id)
    except ValueError:
        raise PayloadError(f"{cursor!r:.80} is not a cursor of this list") from None
    return Q(created_at__lt=created_at) | Q(created_at=created_at, id__lt=last_id)
