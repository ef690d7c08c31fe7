"""Runs on the admin pages of the host's own models: those that have the object's resource id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from gorkflow.admin import permissions
from gorkflow.admin.display import duration, moment, progress_bar, status_pill
from gorkflow.admin.visible import visible_runs
from gorkflow.models import WorkflowRun
from gorkflow.stores.orm.rows import RUN_COLUMNS, count_steps, run_record

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = object

FIELD = "workflow_runs"
VISIBLE = "_gorkflow_visible_runs"


class WorkflowRunsMixin(ModelAdmin):
    """Shows an object's newest runs on its admin page, to those who may see runs.

    Example:
        @admin.register(Order)
        class OrderAdmin(WorkflowRunsMixin, admin.ModelAdmin):
            def get_resource_id(self, obj):
                return f"order-{obj.number}"

    """

    workflow_runs_shown = 10

    class Media:
        css = {"all": ("gorkflow/admin.css",)}  # noqa: RUF012  Django's own style

    def get_resource_id(self, obj: Any) -> str:
        """Return the resource id under which runs about the object are started."""
        return f"{self.opts.model_name}-{obj.pk}"

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Add the runs."""
        fields = super().get_readonly_fields(request, obj)
        if obj is None or not self._shows_runs(request, obj):
            return fields
        # Read by `workflow_runs`, to which Django gives the object alone.
        runs = visible_runs(request, self.admin_site).only(*RUN_COLUMNS)
        setattr(obj, VISIBLE, runs)
        return (*fields, FIELD)

    @override
    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Leave the runs to a fieldset of their own."""
        return [field for field in super().get_fields(request, obj) if field != FIELD]

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Put the runs at the end."""
        fieldsets = list(super().get_fieldsets(request, obj))
        if self._shows_runs(request, obj):
            fieldsets.append((_("Workflow runs"), {"fields": (FIELD,)}))
        return fieldsets

    @admin.display(description=_("newest runs"))
    def workflow_runs(self, obj: Any) -> SafeString:
        """Return a table of runs."""
        resource_id = self.get_resource_id(obj)
        found = getattr(obj, VISIBLE, WorkflowRun.objects.none()).filter(resource_id=resource_id)
        rows_found = list(found.order_by("-created_at", "-id")[: self.workflow_runs_shown + 1])
        shown = rows_found[: self.workflow_runs_shown]
        counts = count_steps([row.pk for row in shown], found.db)
        records = [run_record(row, counts.get(row.pk)) for row in shown]
        rows = [
            {
                "run": run,
                "url": self._run_url("change", run.id),
                "status": status_pill(run.status),
                "progress": progress_bar(run),
                "created": moment(run.created_at),
                "duration": duration(run.started_at, run.ended_at),
            }
            for run in records
        ]
        query = urlencode({"resource_id": resource_id})
        context = {
            "rows": rows,
            "resource_id": resource_id,
            "all_url": f"{self._run_url('changelist')}?{query}" if rows_found != shown else "",
        }
        return render_to_string("admin/gorkflow/related_runs.html", context)

    def _shows_runs(self, request: HttpRequest, obj: Model | None) -> bool:
        return obj is not None and permissions.may_view(request)

    def _run_url(self, name: str, *args: object) -> str:
        try:
            return reverse(f"{self.admin_site.name}:gorkflow_workflowrun_{name}", args=args)
        except NoReverseMatch:  # a site without the run admin
            return ""
