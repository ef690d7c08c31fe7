"""What the memory store answers to questions about many runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gorkflow.queries import AFTER, BEFORE, SAMPLE, RunFilter, RunPage, RunStats
from gorkflow.records import Json
from gorkflow.statuses import RunStatus
from gorkflow.stores.memory.rows import RunRow, run_record


def page_of(runs: Iterable[RunRow], wanted: RunFilter) -> RunPage:
    """Return one page; the cursor is the id of the last run before it."""
    found = _ordered(runs, wanted)
    if wanted.cursor is not None:
        ids = [str(run.new.id) for run in found]
        found = found[ids.index(wanted.cursor) + 1 :] if wanted.cursor in ids else []
    page = found[: wanted.limit]
    more = len(found) > wanted.limit
    return RunPage(
        runs=tuple(map(run_record, page)),
        next_cursor=str(page[-1].new.id) if more else None,
        payloads={run.new.id: _payloads(run, wanted) for run in page if wanted.payloads},
    )


def stats_of(runs: Iterable[RunRow], wanted: RunFilter) -> RunStats:
    """Return figures on all runs that the filter lets through."""
    found = _ordered(runs, wanted)
    took = [
        (run.new.workflow_id, (run.ended_at - run.started_at).total_seconds())
        for run in found
        if run.status is RunStatus.COMPLETED and run.ended_at and run.started_at
    ]
    counts: dict[tuple[str, str], int] = {}
    for run in found:
        kind = (run.new.workflow_id, run.status)
        counts[kind] = counts.get(kind, 0) + 1
    return RunStats.of([(*kind, count) for kind, count in counts.items()], took[:SAMPLE])


def _ordered(runs: Iterable[RunRow], wanted: RunFilter) -> list[RunRow]:
    # Kept in the order in which they were made.
    found = [run for run in runs if _matches(run, wanted)]
    if wanted.order_column == "ended_at":
        found = [run for run in found if run.ended_at is not None]
        found.sort(key=lambda run: str(run.ended_at))
    return found[::-1] if wanted.is_descending else found


def _payloads(run: RunRow, wanted: RunFilter) -> dict[str, Json | None]:
    payloads = {"input": run.new.input, "output": run.output}
    return {name: payloads[name] for name in wanted.payloads}


def _matches(run: RunRow, wanted: RunFilter) -> bool:
    new = run.new
    return (
        wanted.workflow_id in (None, new.workflow_id)
        and wanted.workflow_version in (None, new.workflow_version)
        and (not wanted.run_ids or new.id in wanted.run_ids)
        and (not wanted.statuses or run.status in wanted.statuses)
        and wanted.resource_id in (None, new.resource_id)
        and wanted.started_by in (None, new.started_by)
        and wanted.has_retries in (None, any(row.attempt > 1 for row in run.steps.values()))
        and all(new.tags.get(name) == value for name, value in wanted.tags.items())
        and all(_is_in_time(run, wanted, *names) for names in zip(AFTER, BEFORE, strict=True))
    )


def _is_in_time(run: RunRow, wanted: RunFilter, after: str, before: str) -> bool:
    moment: datetime | None = getattr(run, after.replace("_after", "_at"))
    first, end = getattr(wanted, after), getattr(wanted, before)
    if first is None and end is None:
        return True
    return (
        moment is not None and (first is None or moment >= first) and (end is None or moment < end)
    )
