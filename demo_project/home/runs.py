"""The runs that the pages show, read through Gorkflow's public doors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from gorkflow import RunFilter, RunStatus
from gorkflow.models import WorkflowRun
from gorkflow.records import RunRecord
from gorkflow.wiring import get_engine

RunRow = RunRecord
"""What a row of a table of runs is made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLink:
    id: UUID
    status: RunStatus


def latest_runs(limit: int) -> Sequence[RunRow]:
    """Return the newest runs with their progress, without payloads."""
    return get_engine().list_runs(RunFilter(limit=limit)).runs


def latest_by_resource(workflow_id: str, resource_ids: Sequence[str]) -> dict[str, RunLink]:
    """Return the newest run of each resource id that has one, in one query."""
    newest_last = (
        WorkflowRun.objects.filter(workflow_id=workflow_id, resource_id__in=resource_ids)
        .order_by("created_at", "id")
        .values_list("resource_id", "id", "status")
    )
    return {
        resource_id: RunLink(id=run_id, status=RunStatus(status))
        for resource_id, run_id, status in newest_last
    }
