"""What every part of the run admin rests on: which rows it reads, and who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from typing_extensions import override

from gorkflow.admin import permissions
from gorkflow.admin.acts import Act
from gorkflow.admin.visible import using
from gorkflow.models import WorkflowRun
from gorkflow.models.querysets import RunQuerySet
from gorkflow.records import RunRecord
from gorkflow.stores.orm.rows import RUN_COLUMNS
from gorkflow.wiring import get_engine

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[WorkflowRun]
else:
    ModelAdmin = object

LIST_COLUMNS = tuple(name for name in RUN_COLUMNS if name != "error")
"""No payloads, and no error: there may be a long traceback in it."""


class RunAdminBase(ModelAdmin):
    """Read-only access to runs, and the permissions of the acts on them."""

    class Media:
        css = {"all": ("gorkflow/admin.css",)}  # noqa: RUF012  Django's own style

    @override
    def get_queryset(self, request: HttpRequest) -> RunQuerySet:
        """Return the runs of the database that the engine uses, without their large columns.

        Override it to narrow down which runs a user may see and act on.
        """
        return WorkflowRun.objects.using(using()).only(*LIST_COLUMNS)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: runs are started through the engine."""
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: WorkflowRun | None = None) -> bool:
        """Refuse: runs are changed by the engine alone."""
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: WorkflowRun | None = None) -> bool:
        """Refuse: old runs are pruned in batches, active ones never deleted."""
        return False

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether the user may cancel runs."""
        return permissions.may_cancel(request)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whether the user may retry and rerun runs."""
        return permissions.may_retry(request)

    def has_rerun_permission(self, request: HttpRequest) -> bool:
        """Whether the user may rerun runs."""
        return self.has_retry_permission(request)

    def has_start_permission(self, request: HttpRequest) -> bool:
        """Whether the user may start runs."""
        return permissions.may_start(request)

    def has_payload_permission(self, request: HttpRequest) -> bool:
        """Whether the user may see inputs, outputs, state and what errors say."""
        return permissions.may_see_payloads(request)

    def actor(self, request: HttpRequest) -> str:
        """Return the name under which the run's history keeps what the user does."""
        return permissions.actor(request)

    def may(self, request: HttpRequest, act: Act) -> bool:
        """Whether the user may see runs and do this to them."""
        allowed: bool = getattr(self, f"has_{act.name}_permission")(request)
        return allowed and self.has_view_permission(request)

    def visible_run(self, request: HttpRequest, object_id: str) -> WorkflowRun | None:
        """Return a run's row, if there is one. Raises PermissionDenied."""
        self.refuse_unless(self.has_view_permission(request))
        return self.get_object(request, unquote(object_id))

    def refuse_unless(self, allowed: bool) -> None:
        """Raise PermissionDenied unless it is allowed."""
        if not allowed:
            raise PermissionDenied

    def refuse_without(self, request: HttpRequest, act: Act) -> None:
        """Raise PermissionDenied unless the user may do it."""
        self.refuse_unless(self.may(request, act))

    def run_url(self, name: str, run_id: UUID, *more: object) -> str:
        """Return the URL of a run's page ("change"), or of one below it ("cancel", "step")."""
        return reverse(f"{self._route()}_{name}", args=[run_id, *more])

    def list_url(self) -> str:
        """Return the URL of the run list."""
        return reverse(f"{self._route()}_changelist")

    def workflows_url(self) -> str:
        """Return the URL of the workflow list; "" where the site has none."""
        try:
            return reverse(f"{self.admin_site.name}:gorkflow_registeredworkflow_changelist")
        except NoReverseMatch:
            return ""

    def workflow_link(self, run: RunRecord) -> str:
        """Return a workflow's id, as a link where there is a page for it."""
        if run.workflow_id not in get_engine().registry:
            return run.workflow_id
        route = f"{self.admin_site.name}:gorkflow_registeredworkflow_change"
        try:
            url = reverse(route, args=[quote(run.workflow_id)])
        except NoReverseMatch:  # a site without the workflows' admin
            return run.workflow_id
        return format_html('<a href="{}">{}</a>', url, run.workflow_id)

    def no_such_run(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead back to the list, saying that there is no such run."""
        text = _("There is no run %(id)s. Perhaps it was pruned.") % {"id": unquote(object_id)}
        self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(self.list_url())

    def page_context(self, request: HttpRequest, **context: Any) -> dict[str, Any]:
        """Return what an admin page of ours needs beside its own context."""
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "media": self.media,
            **context,
        }

    def _route(self) -> str:
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}"
