"""The run page: what a run did, and why it failed, without a way to change a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.admin.utils import unquote
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotFound,
    HttpResponseRedirect,
    QueryDict,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from typing_extensions import override

from gorkflow.admin import display
from gorkflow.admin.base import RunAdminBase
from gorkflow.admin.commands import ACTS
from gorkflow.admin.contents import Contents
from gorkflow.admin.drawings import Drawing, is_drawn_whole, run_graph, run_timeline, step_graph
from gorkflow.admin.history import history
from gorkflow.admin.payloads import Panel, download, panel
from gorkflow.admin.steps import StepRows, visible_error
from gorkflow.admin.waiting import Waiting
from gorkflow.models import WorkflowRun
from gorkflow.records import RunRecord, StepRecord
from gorkflow.wiring import get_engine

TEMPLATES = "admin/gorkflow/workflowrun/"
AROUND = "around"
"""In the URL: the place of the step around which a graph that is too large is drawn."""


class RunPage(RunAdminBase):
    """The run page, in place of Django's change form, and a page for each of its steps."""

    change_form_template = f"{TEMPLATES}change_form.html"
    fields = ()

    @override
    def get_urls(self) -> list[URLPattern]:
        """Put our page before Django's, which would take it for an id."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        step = "<path:object_id>/steps/<int:position>"
        ours = [
            path("<path:object_id>/steps/", view(self.named_step_view), name=f"{name}_named_step"),
            path(f"{step}/", view(self.step_view), name=f"{name}_step"),
            path(f"{step}/<slug:part>.json", view(self.download_view), name=f"{name}_step_part"),
            path(
                "<path:object_id>/<slug:part>.json", view(self.download_view), name=f"{name}_part"
            ),
        ]
        return [*ours, *super().get_urls()]

    @override
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the run, if there is one and the user may see it."""
        if self.has_view_permission(request):
            run = self.get_object(request, unquote(object_id))
            if run is not None:
                extra_context = {**(extra_context or {}), **self._page(request, run)}
        return super().change_view(request, object_id, form_url, extra_context)

    @override
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show who did what, and to those who may see payloads why: a reason may speak of them."""
        response = super().history_view(request, object_id, extra_context)
        if isinstance(response, TemplateResponse) and not self.has_payload_permission(request):
            for entry in (response.context_data or {}).get("action_list", ()):
                if not entry.change_message.startswith("["):  # Django's own, which give no reason
                    entry.change_message = entry.change_message.partition(":")[0]
        return response

    def step_view(self, request: HttpRequest, object_id: str, position: int) -> HttpResponse:
        """Show one step of a run."""
        return self._step_page(request, object_id, lambda step: step.position == position)

    def named_step_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the step whose id is in the query, for links that know no more of it."""
        step_id = request.GET.get("id", "")
        return self._step_page(request, object_id, lambda step: step.step_id == step_id)

    def _step_page(
        self, request: HttpRequest, object_id: str, is_wanted: Callable[[StepRecord], bool]
    ) -> HttpResponse:
        row = self.visible_run(request, object_id)
        if row is None:
            return self.no_such_run(request, object_id)
        engine = get_engine()
        run = engine.get_run(row.pk)
        steps = engine.get_steps(row.pk, attempts=True)
        step = next(filter(is_wanted, steps), None)
        if step is None:
            return HttpResponseRedirect(self.run_url("change", row.pk))
        with_details = self.has_payload_permission(request)
        waiting = Waiting(row, run, steps, engine)
        rows = StepRows(waiting, self._step_url, with_details=with_details)
        context = self.page_context(
            request,
            title=step.name,
            subtitle=str(row),
            run=run,
            run_url=self.run_url("change", run.id),
            step=rows.row(step),
            facts=_step_facts(step),
            graph=self._around(run, steps, step),
            panels=self._step_panels(run, step) if with_details else [],
            with_details=with_details,
        )
        return TemplateResponse(request, f"{TEMPLATES}step.html", context)

    def download_view(
        self, request: HttpRequest, object_id: str, part: str, position: int | None = None
    ) -> HttpResponse:
        """Hand out one payload as a file: of the run or, with a position, of a step."""
        row = self.visible_run(request, object_id)
        self.refuse_unless(self.has_payload_permission(request))
        if row is None:
            return HttpResponseNotFound()
        engine = get_engine()
        run = engine.get_run(row.pk)
        contents = Contents(engine, run)
        steps = [] if position is None else engine.get_steps(row.pk)[position : position + 1]
        found = contents.of_run() if position is None else {}
        for step in steps:
            found = contents.of_step(step)
        if part not in found:
            return HttpResponseNotFound()
        where = "" if position is None else f"-step-{position}"
        return download(found[part], f"{run.id}{where}-{part}")

    def live_context(self, request: HttpRequest, row: WorkflowRun) -> dict[str, Any]:
        """Return what the part of the page needs that changes while the run goes on."""
        engine = get_engine()
        run = engine.get_run(row.pk)
        steps = engine.get_steps(row.pk, attempts=True)
        with_details = self.has_payload_permission(request)
        waiting = Waiting(row, run, steps, engine)
        graph = engine.planners.of_run(run).graph
        timeline, left_out = run_timeline(run, steps, self._step_url)
        rows = StepRows(waiting, self._step_url, with_details=with_details)
        return {
            "run": run,
            "steps": steps,
            "facts": _facts(run, self.workflow_link(run)),
            "rerun_of_url": self.run_url("change", run.rerun_of) if run.rerun_of else "",
            "error": visible_error(run.error, with_details=with_details),
            "error_url": self._error_url(run, steps),
            "reasons": waiting.run_reasons(),
            "graph": run_graph(graph, steps, self._step_url, _named_step(steps, request.GET)),
            "has_conditions": any(node.conditional for node in graph),
            "timeline": timeline,
            "left_out": left_out,
            "table": rows.table(steps, request.GET),
            "with_details": with_details,
        }

    def _page(self, request: HttpRequest, row: WorkflowRun) -> dict[str, Any]:
        engine = get_engine()
        context = self.live_context(request, row)
        may_rerun = self.has_rerun_permission(request)
        run: RunRecord = context["run"]
        lines, earlier = history(
            run,
            context["steps"],
            engine.get_events(run.id),
            lambda run_id: self.run_url("change", run_id),
            with_details=context["with_details"],
        )
        return {
            **context,
            "title": _("Run of %(workflow)s") % {"workflow": run.workflow_id},
            "subtitle": str(run.id),
            "live_url": f"{self.run_url('live', run.id)}?{_live_query(request, context['graph'])}",
            "panels": self._panels(run) if context["with_details"] else [],
            "history": lines,
            "earlier_events": earlier,
            "run_acts": [
                (act, self.run_url(act.name, run.id))
                for act in ACTS
                if run.status in act.statuses and self.may(request, act)
            ],
            "rerun_url": self.run_url("rerun", run.id) if may_rerun else "",
        }

    def _panels(self, run: RunRecord) -> list[Panel]:
        titles = {
            "output": _("Output"),
            "input": _("Input"),
            "state": _("State"),
            "context": _("Context"),
        }
        return [
            panel(
                name,
                titles[name],
                value,
                url=self.run_url("part", run.id, name),
                is_open=name in {"input", "output"},
            )
            for name, value in Contents(get_engine(), run).of_run().items()
        ]

    def _step_panels(self, run: RunRecord, step: StepRecord) -> list[Panel]:
        titles = {"output": _("Output"), "input": _("Input")}
        return [
            panel(
                name,
                titles[name],
                value,
                url=self.run_url("step_part", run.id, step.position, name),
            )
            for name, value in Contents(get_engine(), run).of_step(step).items()
        ]

    def _step_url(self, step: StepRecord) -> str:
        return self.run_url("step", step.run_id, step.position)

    def _around(
        self, run: RunRecord, steps: list[StepRecord], step: StepRecord
    ) -> SafeString | None:
        graph = get_engine().planners.of_run(run).graph
        if is_drawn_whole(graph):
            return None  # the run's page shows it
        return step_graph(graph, steps, self._step_url, step).svg

    def _error_url(self, run: RunRecord, steps: list[StepRecord]) -> str:
        if run.error is None:
            return ""
        failed = (step for step in steps if step.step_id == run.error.step_id)
        return next((self._step_url(step) for step in failed), "")


def _named_step(steps: list[StepRecord], query: QueryDict) -> StepRecord | None:
    """Return the step whose surroundings the URL asks for."""
    place = query.get(AROUND, "")
    known = place.isascii() and place.isdigit() and len(place) < 7  # noqa: PLR2004
    return steps[int(place)] if known and int(place) < len(steps) else None


def _live_query(request: HttpRequest, graph: Drawing) -> str:
    """Return what the live part is asked for: the picture must not wander from step to step."""
    query = request.GET.copy()
    if graph.around is not None:
        query[AROUND] = str(graph.around.position)
    return query.urlencode()


def _facts(run: RunRecord, workflow: str) -> list[tuple[str, str]]:
    facts = [
        (_("Status"), display.status_pill(run.status)),
        (_("Progress"), display.progress_bar(run)),
        (_("Duration"), display.duration(run.started_at, run.ended_at)),
        (_("Workflow"), workflow),
        (_("Version"), run.workflow_version),
        (_("Resource id"), run.resource_id),
        (_("Started by"), run.started_by),
        (_("Priority"), str(run.priority)),
        (_("Idempotency key"), run.idempotency_key or ""),
        (_("Created"), display.full_moment(run.created_at)),
        (_("Not before"), display.full_moment(run.run_at) if run.run_at else ""),
        (_("Started"), display.full_moment(run.started_at)),
        (_("Ended"), display.full_moment(run.ended_at)),
        (_("Deadline"), display.full_moment(run.deadline_at) if run.deadline_at else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _step_facts(step: StepRecord) -> list[tuple[str, str]]:
    facts = [
        (_("Status"), display.status_pill(step.status)),
        (_("Duration"), display.duration(step.started_at, step.ended_at)),
        (_("Attempts"), str(step.attempt)),
        (_("Lost workers"), str(step.crashes or "")),
        (_("Step id"), step.step_id),
        (_("Queue"), step.queue),
        (_("Worker"), step.worker),
        (_("Ready"), display.full_moment(step.ready_at)),
        (_("Started"), display.full_moment(step.started_at)),
        (_("Ended"), display.full_moment(step.ended_at)),
    ]
    return [(name, value) for name, value in facts if value]
