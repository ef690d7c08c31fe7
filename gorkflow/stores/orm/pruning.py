"""Deleting ended runs with everything that hangs on them, in short transactions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, models, router
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.deletion import get_candidate_relations_to_delete

from gorkflow.models import (
    DefinitionSnapshot,
    RunEvent,
    RunState,
    StepAttempt,
    StepExecution,
    WorkflowRun,
)
from gorkflow.models.querysets import RunQuerySet
from gorkflow.statuses import RunStatus
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.transactions import write_transaction

MOST_STEPS = 5_000
"""Steps that go in one transaction, unless one run alone has more."""
AT_ONCE = 1_000
"""Keys in one statement."""


def prune(older_than: float, statuses: Sequence[RunStatus], limit: int, using: str) -> int:
    """Delete a batch of ended runs, of the first of the statuses that has any."""
    for status in statuses:
        old = _old_runs(status, older_than, using)
        # An idle look writes nothing and takes no lock.
        if old.first() and (pruned := _prune_politely(old, limit, using)):
            return pruned
    return 0


def _prune_politely(old: RunQuerySet, limit: int, using: str) -> int:
    began = time.monotonic()
    pruned = _prune_batch(old, limit, using)
    connection = connections[using]
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        # It has one writer at a time, and whoever waits looks again after a nap: one that comes
        # back at once would keep all others out.
        time.sleep(time.monotonic() - began)
    return pruned


def _old_runs(status: RunStatus, older_than: float, using: str) -> RunQuerySet:
    """Return the runs that may go for their age and as far as the host's tables are concerned.

    A run ends after it began, so the index of statuses by creation finds them, past all that are
    kept. The order is needed: without it a planner whose statistics are old reads the whole
    table through, with all that has just been deleted.
    """
    before = DatabaseTime(-older_than)
    old = WorkflowRun.objects.using(using).filter(
        status=status, created_at__lt=before, ended_at__lt=before
    )
    for relation in _host_relations(WorkflowRun, using):
        if relation.on_delete in (models.PROTECT, models.RESTRICT):
            rows = relation.related_model._base_manager.using(using)  # noqa: SLF001
            old = old.filter(~Exists(rows.filter(**{relation.field.name: OuterRef("pk")})))
    return old.order_by("created_at").only("pk", "total_steps", "definition")


def _prune_batch(old: RunQuerySet, limit: int, using: str) -> int:
    with write_transaction(using):
        # Whoever prunes beside us takes other runs. A run that was retried since is no more old.
        doomed = _few_steps(_idle(list(_locked(old, using)[:limit]), using))
        ids = [run.pk for run in doomed]
        if not ids:
            return 0
        # Ours by statements of our own: Django's cascade would read every row that it deletes.
        _delete_few(StepAttempt.objects.using(using).filter(step__run__in=ids), using)
        _delete_few(RunState.objects.using(using).filter(run__in=ids), using)
        _delete_few(RunEvent.objects.using(using).filter(run__in=ids), using)
        _delete(StepExecution.objects.using(using).filter(run__in=ids), using)
        _delete(WorkflowRun.objects.using(using).filter(pk__in=ids), using)
        _prune_snapshots({run.definition_id for run in doomed}, using)
    return len(ids)


def _idle(runs: Sequence[WorkflowRun], using: str) -> list[WorkflowRun]:
    """Return the runs of which no step runs any more: one may outlast a run that has failed."""
    held = StepExecution.objects.using(using).held().filter(run__in=[run.pk for run in runs])
    busy = set(held.order_by().values_list("run_id", flat=True))
    return [run for run in runs if run.pk not in busy]


def _few_steps(runs: Iterable[WorkflowRun]) -> list[WorkflowRun]:
    """Return the first runs, as many as have few steps together, but at least one."""
    taken: list[WorkflowRun] = []
    steps = 0
    for run in runs:
        steps += run.total_steps
        if taken and steps > MOST_STEPS:
            break
        taken.append(run)
    return taken


def _prune_snapshots(fingerprints: Iterable[str], using: str) -> None:
    """Delete those of the graphs that no run follows any more."""
    orphans = [each for each in fingerprints if not _is_followed(each, using)]
    if not orphans:
        return
    snapshots = DefinitionSnapshot.objects.using(using)
    # A start holds the graph that it uses until its commit: it is not waited for.
    free = _locked(snapshots.filter(pk__in=orphans), using).values_list("pk", flat=True)
    # Asked again now that no start can begin: one may have ended since we looked.
    doomed = [each for each in free if not _is_followed(each, using)]
    _delete(snapshots.filter(pk__in=doomed), using)


def _is_followed(fingerprint: str, using: str) -> bool:
    # The greatest up to this one is it or not. Asked so, the newest runs are looked at first, in
    # the index; an EXISTS may read through all that has just been deleted.
    runs = WorkflowRun.objects.using(using).filter(definition__lte=fingerprint)
    nearest = runs.order_by("-definition").values_list("definition", flat=True)
    return nearest.first() == fingerprint


def _locked(rows: QuerySet[Any], using: str) -> QuerySet[Any]:
    skip = connections[using].features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=skip)


def _delete_few(rows: QuerySet[Any], using: str) -> None:
    """Delete rows of which most runs have none.

    By key: MariaDB locks every row that a delete reads, and of a join or in a small table those
    are other runs' too.
    """
    keys = list(rows.order_by().values_list("pk", flat=True))
    for start in range(0, len(keys), AT_ONCE):
        doomed = rows.model._base_manager.using(using)  # noqa: SLF001
        _delete(doomed.filter(pk__in=keys[start : start + AT_ONCE]), using)


def _delete(rows: QuerySet[Any], using: str) -> None:
    """Delete in one statement, or as Django does where the host's own tables refer to the rows."""
    if _host_relations(rows.model, using):
        rows.only("pk").delete()
    else:
        rows._raw_delete(using)  # noqa: SLF001


def _host_relations(model: type[models.Model], using: str) -> list[Any]:
    """Return the references to a model's rows that are not ours."""
    label = model._meta.app_label  # noqa: SLF001
    relations: Iterable[Any] = get_candidate_relations_to_delete(model._meta)  # noqa: SLF001
    return [
        relation
        for relation in relations
        if relation.related_model._meta.app_label != label  # noqa: SLF001
        and router.allow_migrate_model(using, relation.related_model)
    ]
