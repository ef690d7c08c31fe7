"""The run page: what a run did, and why it failed, without a way to change a row."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from typing_extensions import override

from gorkflow.admin import display
from gorkflow.admin.base import RunAdminBase
from gorkflow.admin.commands import ACTS
from gorkflow.admin.payloads import Panel, as_object, panel
from gorkflow.admin.steps import anchor, step_rows, visible_error
from gorkflow.engine import Engine
from gorkflow.models import WorkflowRun
from gorkflow.records import RunRecord, StepRecord
from gorkflow.wiring import get_engine


class RunPage(RunAdminBase):
    """The run page, in place of Django's change form."""

    change_form_template = "admin/gorkflow/workflowrun/change_form.html"
    fields = ()

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

    def _page(self, request: HttpRequest, row: WorkflowRun) -> dict[str, Any]:
        engine = get_engine()
        run = engine.get_run(row.pk)
        steps = engine.get_steps(row.pk, attempts=True)
        with_details = self.has_payload_permission(request)
        return {
            "title": _("Run of %(workflow)s") % {"workflow": run.workflow_id},
            "subtitle": str(run.id),
            "run": run,
            "facts": _facts(run),
            "rerun_of_url": self.run_url("change", run.rerun_of) if run.rerun_of else "",
            "error": visible_error(run.error, with_details=with_details),
            "error_anchor": _error_anchor(run, steps),
            "steps": step_rows(steps, with_details=with_details),
            "with_details": with_details,
            "panels": _panels(engine, run.id) if with_details else [],
            "run_acts": [
                (act, self.run_url(act.name, run.id))
                for act in ACTS
                if run.status in act.statuses and self.may(request, act)
            ],
        }


def _facts(run: RunRecord) -> list[tuple[str, str]]:
    facts = [
        (_("Status"), display.status_pill(run.status)),
        (_("Progress"), display.progress_bar(run)),
        (_("Workflow"), run.workflow_id),
        (_("Version"), run.workflow_version),
        (_("Resource id"), run.resource_id),
        (_("Started by"), run.started_by),
        (_("Priority"), str(run.priority)),
        (_("Idempotency key"), run.idempotency_key or ""),
        (_("Created"), display.full_moment(run.created_at)),
        (_("Started"), display.full_moment(run.started_at)),
        (_("Ended"), display.full_moment(run.ended_at)),
        (_("Duration"), display.duration(run.started_at, run.ended_at)),
        (_("Deadline"), display.full_moment(run.deadline_at) if run.deadline_at else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _error_anchor(run: RunRecord, steps: list[StepRecord]) -> str:
    if run.error is None:
        return ""
    return next((anchor(step) for step in steps if step.step_id == run.error.step_id), "")


def _panels(engine: Engine, run_id: UUID) -> list[Panel]:
    loaded = engine.store.load(run_id, run_input=True, run_output=True, context=True, state=True)
    found = [
        ("output", _("Output"), loaded.output),
        ("input", _("Input"), loaded.input),
        ("state", _("State"), as_object(loaded.state) if loaded.state else None),
        ("context", _("Context"), loaded.context),
    ]
    return [
        panel(name, title, payload, is_open=name in {"input", "output"})
        for name, title, payload in found
        if payload is not None
    ]
