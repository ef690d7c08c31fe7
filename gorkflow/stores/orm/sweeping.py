"""Finding, in bounded time, what nobody works on."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections
from django.db.models import Q
from django.db.models.functions import Coalesce

from gorkflow.dispatch.base import Hint
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.statuses import CLAIMABLE_STEPS, TERMINAL_RUNS, RunStatus, StepStatus
from gorkflow.stores.base import Swept
from gorkflow.stores.orm.claiming import admissible
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.rows import PUT_OFF, RUN_COLUMNS, claim_of
from gorkflow.stores.orm.transactions import write_transaction

RUN_ONLY = tuple(f"run__{column}" for column in RUN_COLUMNS)


def sweep(limit: int, resend_after: float, ahead: float, using: str) -> Swept:
    """Return expired claims and overdue runs, and mark waiting steps as told of again."""
    expired = (
        StepExecution.objects.using(using)
        .expired(DatabaseTime())
        .exclude(token=None)
        .select_related("run")
        .only(*_claim_columns())
        .order_by("due_at")[:limit]
    )
    overdue = (
        WorkflowRun.objects.using(using)
        .filter(deadline_at__lte=DatabaseTime())
        # Runs that are over have no deadline. Said like this, its index is what there is to read,
        # whatever the planner believes of how many are active or late.
        .exclude(status__in=TERMINAL_RUNS)
        .order_by("deadline_at")
        .values_list("id", flat=True)[:limit]
    )
    return Swept(
        expired=[claim_of(row, row.run, shared=True) for row in expired],
        overdue=list(overdue),
        hints=_resend(limit, resend_after, using),
        next_end=_next_end(ahead, using) if ahead else None,
    )


def _next_end(ahead: float, using: str) -> float | None:
    """Return the seconds until the first of the leases ends that are not renewed in time."""
    held = StepExecution.objects.using(using).live().held()
    soon = held.filter(due_at__gt=DatabaseTime(), due_at__lte=DatabaseTime(ahead))
    times = soon.order_by("due_at").values_list("due_at", DatabaseTime()).first()
    return None if times is None else (times[0] - times[1]).total_seconds()


def _claim_columns() -> tuple[str, ...]:
    own = ("step_id", "map_index", "token", "attempt", "failures", "crashes", "queue")
    return (*own, *RUN_ONLY)


def _resend(limit: int, resend_after: float, using: str) -> list[Hint]:
    steps = StepExecution.objects.using(using)
    live = steps.live()
    waiting = live.filter(status=StepStatus.PENDING, due_at__lte=DatabaseTime(-resend_after))
    # Nobody has been told of these: a broker holds nothing back for long.
    come = live.filter(Q(status=StepStatus.RETRYING) | PUT_OFF, due_at__lte=DatabaseTime())
    if not come.exists() and not waiting.exists():
        # An idle sweep writes nothing and takes no lock.
        return []
    skip = connections[using].features.has_select_for_update_skip_locked
    with write_transaction(using):
        rows = [
            row
            for found in (come, waiting)
            for row in found.select_for_update(skip_locked=skip)
            .order_by("due_at")
            .only("run_id", "queue")[:limit]
        ]
        # A step waiting afresh from now is not found again at once, and lets others have a turn.
        steps.filter(pk__in=[row.pk for row in rows], status__in=CLAIMABLE_STEPS).update(
            ready_at=Coalesce("ready_at", "due_at"),
            status=StepStatus.PENDING,
            due_at=DatabaseTime(),
        )
    return _hints(rows, using)


def _hints(rows: Sequence[StepExecution], using: str) -> list[Hint]:
    runs = (
        WorkflowRun.objects.using(using)
        .only(*RUN_COLUMNS)
        .in_bulk(list({row.run_id for row in rows}))
    )
    free: dict[tuple[str, str], list[WorkflowRun]] = {}
    hints = []
    for row in rows:
        run = runs.get(row.run_id)
        if run is None:
            continue
        if run.status == RunStatus.PENDING and run.run_limit is not None:
            version = (run.workflow_id, run.workflow_version)
            if version not in free:
                free[version] = admissible(run, using)
            if run not in free[version]:
                continue
        hints.append(Hint(run_id=run.id, queue=row.queue, priority=run.priority))
    return hints
