"""The pages of workflows: what this process has code for, and how to start it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from typing_extensions import override

from gorkflow.admin import permissions
from gorkflow.admin.display import duration_figures, in_words, status_pill, status_word
from gorkflow.admin.drawings import workflow_graph
from gorkflow.admin.payloads import pretty_json
from gorkflow.admin.starting import Sheet
from gorkflow.admin.visible import visible_figures, visible_runs
from gorkflow.definition.workflow import Workflow, start_options
from gorkflow.diagrams import Bar, bars_svg
from gorkflow.errors import NotFoundError
from gorkflow.models import RegisteredWorkflow, WorkflowRun
from gorkflow.queries import RunFilter, RunStats
from gorkflow.wiring import get_engine

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[RegisteredWorkflow]
else:
    ModelAdmin = object

TEMPLATES = "admin/gorkflow/registeredworkflow/"
LAST_RUNS = 30
STATS_DAYS = 7


class WorkflowAdminMixin(ModelAdmin):
    """Everything the workflow admin does, to be put before a ModelAdmin."""

    class Media:
        css = {"all": ("gorkflow/admin.css",)}  # noqa: RUF012  Django's own style

    @override
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow it to those who may see runs."""
        return permissions.may_view(request)

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        """Allow it to those who may see runs."""
        return permissions.may_view(request)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: workflows are code."""
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: workflows are code."""
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse: workflows are code."""
        return False

    @override
    def get_urls(self) -> list[URLPattern]:
        """Have three pages, and none of Django's."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name=self._name("changelist")),
            path("<path:object_id>/start/", view(self.start_view), name=self._name("start")),
            path("<path:object_id>/change/", view(self.workflow_view), name=self._name("change")),
        ]

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """List what is registered."""
        self._refuse_unless(permissions.may_view(request))
        engine = get_engine()
        since = timezone.now() - timedelta(days=STATS_DAYS)
        recent = RunFilter(created_after=since)
        stats = visible_figures(request, self.admin_site, recent).workflows
        rows = [
            {
                "workflow": workflow,
                "url": self.workflow_url("change", workflow.id),
                "start_url": self._start_url(request, workflow.id),
                "runs_url": self._runs_url(workflow.id),
                "counts": _counts(stats.get(workflow.id)),
                "took": duration_figures(stats.get(workflow.id)),
            }
            for workflow in engine.registry
        ]
        context = self._context(
            request,
            title=capfirst(self.opts.verbose_name_plural),
            rows=rows,
            days=STATS_DAYS,
            **(extra_context or {}),
        )
        return TemplateResponse(request, f"{TEMPLATES}list.html", context)

    def workflow_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show one workflow."""
        self._refuse_unless(permissions.may_view(request))
        workflow = self._find(object_id)
        if workflow is None:
            return self._no_such_workflow(request, object_id)
        engine = get_engine()
        since = timezone.now() - timedelta(days=STATS_DAYS)
        wanted = RunFilter(workflow_id=workflow.id, created_after=since)
        stats = visible_figures(request, self.admin_site, wanted)
        runs = visible_runs(request, self.admin_site).filter(workflow_id=workflow.id)
        latest = runs.order_by("-created_at", "-id")[:LAST_RUNS]
        context = self._context(
            request,
            title=workflow.name,
            workflow=workflow,
            versions=engine.registry.versions(workflow.id),
            graph=workflow_graph(workflow.graph),
            has_conditions=any(node.conditional for node in workflow.graph),
            steps=[(node, workflow.steps[node.id]) for node in workflow.graph],
            input_schema=pretty_json(workflow.input_schema()),
            output_schema=pretty_json(workflow.output_schema()),
            counts=_counts(stats),
            took=duration_figures(stats),
            days=STATS_DAYS,
            strip=self._strip(latest),
            start_url=self._start_url(request, workflow.id),
            runs_url=self._runs_url(workflow.id),
        )
        return TemplateResponse(request, f"{TEMPLATES}detail.html", context)

    def start_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for an input, or start a run with it."""
        self._refuse_unless(permissions.may_view(request) and permissions.may_start(request))
        workflow = self._find(object_id)
        if workflow is None:
            return self._no_such_workflow(request, object_id)
        sheet = Sheet(request, workflow)
        if request.method == "POST" and sheet.is_valid():
            run_id = self._start(request, sheet)
            if run_id is not None:
                return HttpResponseRedirect(self._run_url(run_id))
        context = self._context(
            request,
            title=_("Start %(workflow)s") % {"workflow": workflow.name},
            workflow=workflow,
            options=sheet.options,
            sheet=sheet,
            button=_("Start a run"),
            breadcrumbs=[(workflow.name, self.workflow_url("change", workflow.id))],
            back_url=self.workflow_url("change", workflow.id),
        )
        return TemplateResponse(request, f"{TEMPLATES}start.html", context)

    def workflow_url(self, name: str, workflow_id: str) -> str:
        """Return the URL of a workflow's page: "change" or "start"."""
        return reverse(f"{self.admin_site.name}:{self._name(name)}", args=[quote(workflow_id)])

    def _start(self, request: HttpRequest, sheet: Sheet) -> UUID | None:
        engine, workflow = get_engine(), sheet.workflow
        actor = permissions.actor(request)
        run = sheet.send(
            lambda value: engine.start(
                workflow, value, start_options({**sheet.options.options(), "started_by": actor})
            )
        )
        if run is None:
            return None
        if run.created:
            row: Any = WorkflowRun(pk=run.id, workflow_id=workflow.id)
            self.log_addition(request, row, "Started.")
            self.message_user(request, _("The run is started."), messages.SUCCESS)
        else:
            text = _("This form was sent before; this is the run that it started.")
            self.message_user(request, text, messages.INFO)
        return run.id

    def _strip(self, runs: Iterable[WorkflowRun]) -> SafeString:
        bars = []
        for run in reversed(list(runs)):
            took = (run.ended_at or timezone.now()) - (run.started_at or run.created_at)
            said = f"{status_word(run.status)}, {in_words(took)}"
            url = self._run_url(run.pk)
            bars.append(
                Bar(parts={run.status: took.total_seconds() or 0.001}, title=said, href=url)
            )
        if not bars:
            return SafeString("")
        bars += [Bar(parts={}, title="")] * (LAST_RUNS - len(bars))
        return SafeString(
            bars_svg(bars, label=_("The last runs"), width=LAST_RUNS * 16.0, height=60.0)
        )

    def _find(self, object_id: str) -> Workflow[Any, Any] | None:
        try:
            return get_engine().registry.get(unquote(object_id))
        except NotFoundError:
            return None

    def _no_such_workflow(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = _("There is no code for a workflow %(id)s here.") % {"id": unquote(object_id)}
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:{self._name('changelist')}"))

    def _start_url(self, request: HttpRequest, workflow_id: str) -> str:
        return self.workflow_url("start", workflow_id) if permissions.may_start(request) else ""

    def _run_url(self, run_id: UUID) -> str:
        return reverse(f"{self.admin_site.name}:gorkflow_workflowrun_change", args=[run_id])

    def _runs_url(self, workflow_id: str) -> str:
        runs = reverse(f"{self.admin_site.name}:gorkflow_workflowrun_changelist")
        return f"{runs}?{urlencode({'workflow': workflow_id})}"

    def _context(self, request: HttpRequest, **context: Any) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            **context,
        }

    def _name(self, name: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"

    def _refuse_unless(self, allowed: bool) -> None:
        if not allowed:
            raise PermissionDenied


def _counts(stats: RunStats | None) -> list[tuple[SafeString, int]]:
    if stats is None:
        return []
    return [(status_pill(status), count) for status, count in stats.counts.items() if count]
