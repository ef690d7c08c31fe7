"""Doing a run again, with the input it had or with an edited one."""

from __future__ import annotations

from typing import Any

import pydantic_core
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from typing_extensions import override

from gorkflow.admin.acts import Deed, ReasonForm
from gorkflow.admin.base import RunAdminBase
from gorkflow.admin.forms.options import idempotency_key
from gorkflow.admin.starting import Given, Sheet
from gorkflow.definition.showing import shown_payload
from gorkflow.definition.workflow import Workflow
from gorkflow.engine.run import Run
from gorkflow.errors import NotFoundError, WorkflowError
from gorkflow.models import WorkflowRun
from gorkflow.wiring import get_engine


class RunAgain(RunAdminBase):
    """The page that starts a run like this one."""

    @override
    def get_urls(self) -> list[URLPattern]:
        """Put our page before Django's, which would take it for an id."""
        rerun = path(
            "<path:object_id>/rerun/",
            self.admin_site.admin_view(self.rerun_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_rerun",
        )
        return [rerun, *super().get_urls()]

    def rerun_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the new run's input, or start it.

        Those who may not see payloads are not shown the input, and cannot change it.
        """
        row = self.visible_run(request, object_id)
        self.refuse_unless(self.has_rerun_permission(request))
        if row is None:
            return self.no_such_run(request, object_id)
        try:
            workflow = get_engine().registry.get(row.workflow_id)
        except NotFoundError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(self.run_url("change", row.pk))
        if self.has_payload_permission(request):
            return self._edited(request, row, workflow)
        return self._as_it_was(request, row, workflow)

    def _edited(
        self, request: HttpRequest, row: WorkflowRun, workflow: Workflow[Any, Any]
    ) -> HttpResponse:
        engine = get_engine()
        text = engine.store.load(row.pk, run_input=True).input
        stored = pydantic_core.from_json(text)
        shown = shown_payload(engine.registry, engine.get_run(row.pk), "input", text)
        sheet = Sheet(request, workflow, ReasonForm, Given(shown=shown, stored=stored))
        if request.method == "POST" and sheet.is_valid():
            deed = sheet.options.deed(self.actor(request))
            run = sheet.send(lambda value: _rerun(row, deed, input=value))
            if run is not None:
                return self._to_new_run(request, row, run, deed)
        return self._rerun_page(request, row, workflow, sheet.options, sheet)

    def _as_it_was(
        self, request: HttpRequest, row: WorkflowRun, workflow: Workflow[Any, Any]
    ) -> HttpResponse:
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            deed = form.deed(self.actor(request))
            try:
                run = _rerun(row, deed)
            except WorkflowError as error:
                form.add_error(None, error.message)
            else:
                return self._to_new_run(request, row, run, deed)
        return self._rerun_page(request, row, workflow, form, None)

    def _to_new_run(
        self, request: HttpRequest, row: WorkflowRun, run: Run[Any], deed: Deed
    ) -> HttpResponse:
        if run.created:
            said = f"Rerun as {run.id}"
            self.log_change(request, row, f"{said}: {deed.reason}" if deed.reason else f"{said}.")
            self.message_user(request, _("The new run is started."), messages.SUCCESS)
        else:
            text = _("This form was sent before; this is the run that it started.")
            self.message_user(request, text, messages.INFO)
        return HttpResponseRedirect(self.run_url("change", run.id))

    def _rerun_page(
        self,
        request: HttpRequest,
        row: WorkflowRun,
        workflow: Workflow[Any, Any],
        options: forms.Form,
        sheet: Sheet | None,
    ) -> HttpResponse:
        back_url = self.run_url("change", row.pk)
        context = self.page_context(
            request,
            title=_("Run %(workflow)s again") % {"workflow": workflow.name},
            subtitle=str(row),
            workflow=workflow,
            older_version=row.workflow_version if row.workflow_version != workflow.version else "",
            options=options,
            sheet=sheet,
            button=_("Start a new run"),
            breadcrumbs=[(str(row), back_url)],
            back_url=back_url,
        )
        template = "admin/gorkflow/registeredworkflow/start.html"
        return TemplateResponse(request, template, context)


def _rerun(row: WorkflowRun, deed: Deed, **given: Any) -> Run[Any]:
    return get_engine().rerun(
        row.pk,
        idempotency_key=idempotency_key(deed.token),
        actor=deed.actor,
        reason=deed.reason,
        **given,
    )
