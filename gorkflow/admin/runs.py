"""The admin of runs, put together from its parts and registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from gorkflow.admin.bulk import BulkActs
from gorkflow.admin.changelist import RunList
from gorkflow.admin.commands import RunCommands
from gorkflow.admin.live import LivePage
from gorkflow.models import WorkflowRun

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[WorkflowRun]
else:
    ModelAdmin = admin.ModelAdmin


class WorkflowRunAdminMixin(RunList, LivePage, RunCommands, BulkActs):
    """Everything the run admin does, to be put before another kind of ModelAdmin (a skin's)."""

    actions = ("cancel_runs", "retry_runs")


@admin.register(WorkflowRun)
class WorkflowRunAdmin(WorkflowRunAdminMixin, ModelAdmin):
    """Runs in the plain Django admin."""
