"""Acts on one run: a page that asks, and what happens when it is sent."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from typing_extensions import override

from gorkflow.admin.acts import CANCEL, RETRY, Act, Deed, ReasonForm
from gorkflow.admin.base import RunAdminBase
from gorkflow.admin.display import status_word
from gorkflow.errors import WorkflowError
from gorkflow.models import WorkflowRun
from gorkflow.records import StepRecord
from gorkflow.statuses import DONE_STEPS
from gorkflow.wiring import get_engine

ACTS = (CANCEL, RETRY)


class RunCommands(RunAdminBase):
    """The confirm pages. GET asks and changes nothing; POST acts."""

    @override
    def get_urls(self) -> list[URLPattern]:
        """Put our pages before Django's, which would take them for ids."""
        ours = [
            path(
                f"<path:object_id>/{act.name}/",
                self.admin_site.admin_view(partial(self.command_view, act=act)),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{act.name}",
            )
            for act in ACTS
        ]
        return [*ours, *super().get_urls()]

    def command_view(self, request: HttpRequest, object_id: str, *, act: Act) -> HttpResponse:
        """Ask, or act and go back to the run."""
        self.refuse_without(request, act)
        run = self.get_object(request, unquote(object_id))
        if run is None:
            return self.no_such_run(request, object_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            self._command(request, run, act, form.deed(self.actor(request)))
            return HttpResponseRedirect(self.run_url("change", run.pk))
        if run.status not in act.statuses:
            return self._refuse_status(request, run)
        return self._ask(request, run, act, form)

    def _command(self, request: HttpRequest, run: WorkflowRun, act: Act, deed: Deed) -> None:
        try:
            act.do(get_engine(), run.pk, deed)
        except WorkflowError as error:
            self.message_user(request, error.message, messages.ERROR)
            return
        self.log_change(request, run, act.log_message(deed.reason))
        self.message_user(request, act.done % {"count": 1}, messages.SUCCESS)

    def _refuse_status(self, request: HttpRequest, run: WorkflowRun) -> HttpResponse:
        text = _("Nothing to do: the run is %(status)s.") % {"status": status_word(run.status)}
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(self.run_url("change", run.pk))

    def _ask(
        self, request: HttpRequest, run: WorkflowRun, act: Act, form: ReasonForm
    ) -> HttpResponse:
        context = self.page_context(
            request,
            title=act.question,
            subtitle=str(run),
            act=act,
            form=form,
            run=run,
            unfinished=_unfinished(run, act),
            back_url=self.run_url("change", run.pk),
        )
        return TemplateResponse(request, "admin/gorkflow/workflowrun/confirm.html", context)


def _unfinished(row: WorkflowRun, act: Act) -> list[StepRecord]:
    """Return the steps that the act is about."""
    engine = get_engine()
    steps = engine.get_steps(row.pk)
    if act is RETRY:
        planner = engine.planners.of_run(engine.get_run(row.pk))
        return [step for step in steps if not planner.is_over(step)]
    return [step for step in steps if step.status not in DONE_STEPS]
