"""The admins of runs and of workflows, put together from their parts and registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin

from gorkflow.admin.bulk import BulkActs
from gorkflow.admin.changelist import RunList
from gorkflow.admin.commands import RunCommands
from gorkflow.admin.live import LivePage
from gorkflow.admin.rerun import RunAgain
from gorkflow.admin.workflows import WorkflowAdminMixin
from gorkflow.models import RegisteredWorkflow, WorkflowRun
from gorkflow.settings import get_settings

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[WorkflowRun]
    WorkflowModelAdmin = admin.ModelAdmin[RegisteredWorkflow]
else:
    ModelAdmin = WorkflowModelAdmin = admin.ModelAdmin


class WorkflowRunAdminMixin(RunList, LivePage, RunCommands, RunAgain, BulkActs):
    """Everything the run admin does, to be put before another kind of ModelAdmin (a skin's)."""

    actions = ("cancel_runs", "retry_runs", "rerun_runs")


class WorkflowRunAdmin(WorkflowRunAdminMixin, ModelAdmin):
    """Runs in the plain Django admin."""


class WorkflowAdmin(WorkflowAdminMixin, WorkflowModelAdmin):
    """Workflows in the plain Django admin."""


if get_settings().admin:
    admin.site.register(WorkflowRun, WorkflowRunAdmin)
    admin.site.register(RegisteredWorkflow, WorkflowAdmin)
