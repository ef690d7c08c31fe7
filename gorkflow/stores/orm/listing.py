"""Run history: filters, pages that stay stable while runs are added, and figures."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q

from gorkflow.errors import PayloadError
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.models.fields import PayloadText
from gorkflow.models.querysets import RunQuerySet
from gorkflow.queries import (
    AFTER,
    BEFORE,
    SAMPLE,
    TEXTS,
    RunFilter,
    RunPage,
    RunStats,
    storable_moment,
)
from gorkflow.records import Json
from gorkflow.statuses import RunStatus
from gorkflow.stores.orm.rows import RUN_COLUMNS, count_steps, run_record

SEPARATOR = "~"


def list_runs(wanted: RunFilter, using: str) -> RunPage:
    """Return one page: a query for the runs, one for their step counts, one for their payloads."""
    column = wanted.order_column
    found = filter_runs(WorkflowRun.objects.using(using), wanted)
    if column == "ended_at":
        found = found.filter(ended_at__isnull=False)
    if wanted.cursor is not None:
        found = found.filter(_beyond(wanted.cursor, column, "lt" if wanted.is_descending else "gt"))
    by_id = "-id" if wanted.is_descending else "id"
    runs = list(found.order_by(wanted.order, by_id).only(*RUN_COLUMNS)[: wanted.limit + 1])
    page = runs[: wanted.limit]
    ids = [run.id for run in page]
    counts = count_steps(ids, using) if page else {}
    more = len(runs) > wanted.limit
    return RunPage(
        runs=tuple(run_record(run, counts.get(run.id)) for run in page),
        next_cursor=_cursor(page[-1], column) if more else None,
        payloads=_payloads(ids, wanted, using) if page and wanted.payloads else {},
    )


def _payloads(ids: list[UUID], wanted: RunFilter, using: str) -> dict[UUID, dict[str, Json | None]]:
    columns = [PayloadText(name) for name in wanted.payloads]
    runs = WorkflowRun.objects.using(using).filter(pk__in=ids).order_by()
    return {
        run_id: dict(zip(wanted.payloads, texts, strict=True))
        for run_id, *texts in runs.values_list("id", *columns)
    }


def filter_runs(runs: RunQuerySet, wanted: RunFilter) -> RunQuerySet:
    """Apply every field of the filter that is set."""
    exact: dict[str, Any] = {name: getattr(wanted, name) for name in TEXTS}
    exact |= {name.replace("_after", "_at__gte"): getattr(wanted, name) for name in AFTER}
    exact |= {name.replace("_before", "_at__lt"): getattr(wanted, name) for name in BEFORE}
    runs = runs.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.run_ids:
        runs = runs.filter(pk__in=wanted.run_ids)
    if wanted.statuses:
        runs = runs.filter(status__in=wanted.statuses)
    if wanted.has_retries is not None:
        retried = Exists(StepExecution.objects.filter(run_id=OuterRef("pk"), attempt__gt=1))
        runs = runs.filter(retried if wanted.has_retries else ~retried)
    return runs.tagged(wanted.tags)


def run_stats(wanted: RunFilter, using: str) -> RunStats:
    """Return figures in two queries."""
    return figures_of(filter_runs(WorkflowRun.objects.using(using), wanted))


def figures_of(found: RunQuerySet) -> RunStats:
    """Return figures on some runs, in two queries."""
    counts = found.order_by().values_list("workflow_id", "status").annotate(Count("id"))
    completed = found.filter(status=RunStatus.COMPLETED).order_by("-created_at")
    rows = completed.values_list("workflow_id", "started_at", "ended_at")[:SAMPLE]
    took = [
        (workflow_id, (ended_at - started_at).total_seconds())
        for workflow_id, started_at, ended_at in rows
        if started_at is not None and ended_at is not None
    ]
    return RunStats.of(list(counts), took)


def _cursor(run: WorkflowRun, column: str) -> str:
    return f"{getattr(run, column).isoformat()}{SEPARATOR}{run.id}"


def _beyond(cursor: str, column: str, compared: str) -> Q:
    moment, _, run_id = cursor.partition(SEPARATOR)
    try:
        at, last_id = datetime.fromisoformat(moment), UUID(run_id)
        # One without a zone would be taken for a time of the host's own.
        if at.tzinfo is None:
            raise ValueError
    except ValueError:
        raise PayloadError(f"{cursor!r:.80} is not a cursor of this list") from None
    at = storable_moment(at)
    return Q(**{f"{column}__{compared}": at}) | Q(**{column: at, f"id__{compared}": last_id})
