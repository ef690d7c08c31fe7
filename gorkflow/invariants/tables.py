"""What must be true across runs: rows that belong to none, and limits that several share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from gorkflow.invariants.findings import Finding, Invariant
from gorkflow.models import RunEvent, RunState, StepAttempt, StepExecution, WorkflowRun
from gorkflow.statuses import RunStatus

AT_ONCE = 500

# Any: the managers of different models have no common type.
OWNERS: tuple[tuple[Any, str, Any], ...] = (
    (StepAttempt, "step_id", StepExecution),
    (StepExecution, "run_id", WorkflowRun),
    (RunState, "run_id", WorkflowRun),
    (RunEvent, "run_id", WorkflowRun),
)
"""Model, its reference, and the model that is referred to; children before their owners."""


def check_orphans(using: str, *, fix: bool) -> Iterator[Finding]:
    """Find rows whose owner is gone. Foreign keys forbid them where the database enforces them."""
    for model, column, owner in OWNERS:
        orphans = _orphans(model, column, owner, using)
        count = orphans.count()
        if not count:
            continue
        if fix:
            # Nobody can read or run what belongs to nothing.
            _delete(orphans, using)
        name = model.__name__
        yield Finding(
            invariant=Invariant.ORPHAN,
            message=f"{count} {name} rows belong to no {owner.__name__}",
            data={"model": name, "found": count},
            fixable=True,
            fixed=fix,
        )


def check_run_limits(using: str) -> Iterator[Finding]:
    """Find workflows with more runs under way than their limit lets in."""
    running = WorkflowRun.objects.using(using).filter(status=RunStatus.RUNNING).order_by()
    counts = running.values("workflow_id").annotate(
        count=Count("pk"),
        # Where a version had no limit, or another one, the largest holds for all.
        most=Max("run_limit"),
        unlimited=Count("pk", filter=Q(run_limit__isnull=True)),
    )
    for row in counts:
        if row["unlimited"] == 0 and row["count"] > row["most"]:
            yield Finding(
                invariant=Invariant.RUN_LIMIT,
                message=f"{row['count']} runs of {row['workflow_id']!r} run at once;"
                f" its limit is {row['most']}",
                data={
                    "workflow_id": row["workflow_id"],
                    "found": row["count"],
                    "expected": row["most"],
                },
            )


def _orphans(model: Any, column: str, owner: Any, using: str) -> QuerySet[Any]:
    owners = owner.objects.using(using).filter(pk=OuterRef(column))
    orphans: QuerySet[Any] = model.objects.using(using).filter(~Exists(owners))
    return orphans.order_by()


def _delete(orphans: QuerySet[Any], using: str) -> None:
    ids = list(orphans.values_list("pk", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        rows: Any = orphans.model.objects.using(using).filter(pk__in=ids[start : start + AT_ONCE])
        rows._raw_delete(using)  # noqa: SLF001  nothing hangs on them
