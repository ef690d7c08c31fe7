"""What every part of the run admin rests on: which rows it reads, and who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from typing_extensions import override

from gorkflow.admin.acts import Act
from gorkflow.config import MAX_ACTOR
from gorkflow.models import WorkflowRun
from gorkflow.models.querysets import RunQuerySet
from gorkflow.stores.orm.rows import RUN_COLUMNS
from gorkflow.wiring import get_engine

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[WorkflowRun]
else:
    ModelAdmin = object

LIST_COLUMNS = tuple(name for name in RUN_COLUMNS if name != "error")
"""No payloads, and no error: there may be a long traceback in it."""

VIEW_PAYLOAD = "view_payload"


class RunAdminBase(ModelAdmin):
    """Read-only access to runs, and the permissions of the acts on them."""

    class Media:
        css = {"all": ("gorkflow/admin.css",)}  # noqa: RUF012  Django's own style

    @override
    def get_queryset(self, request: HttpRequest) -> RunQuerySet:
        """Return the runs of the database that the engine uses, without their large columns."""
        using = getattr(get_engine().store, "using", None)
        return WorkflowRun.objects.using(using).only(*LIST_COLUMNS)

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
        return self._has(request, get_permission_codename("cancel", self.opts))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whether the user may retry runs."""
        return self._has(request, get_permission_codename("retry", self.opts))

    def has_payload_permission(self, request: HttpRequest) -> bool:
        """Whether the user may see inputs, outputs, state and what errors say."""
        return self._has(request, VIEW_PAYLOAD)

    def actor(self, request: HttpRequest) -> str:
        """Return the name under which the run's history keeps what the user does."""
        return str(request.user.get_username())[:MAX_ACTOR]

    def may(self, request: HttpRequest, act: Act) -> bool:
        """Whether the user may see runs and do this to them."""
        allowed: bool = getattr(self, f"has_{act.name}_permission")(request)
        return allowed and self.has_view_permission(request)

    def refuse_unless_viewer(self, request: HttpRequest) -> None:
        """Raise PermissionDenied unless the user may see runs."""
        if not self.has_view_permission(request):
            raise PermissionDenied

    def refuse_without(self, request: HttpRequest, act: Act) -> None:
        """Raise PermissionDenied unless the user may do it."""
        if not self.may(request, act):
            raise PermissionDenied

    def run_url(self, name: str, run_id: UUID, *more: object) -> str:
        """Return the URL of a run's page ("change"), or of one below it ("cancel", "step")."""
        return reverse(f"{self._route()}_{name}", args=[run_id, *more])

    def list_url(self) -> str:
        """Return the URL of the run list."""
        return reverse(f"{self._route()}_changelist")

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

    def _has(self, request: HttpRequest, codename: str) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.{codename}")

    def _route(self) -> str:
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}"
