"""The part of a run's page that is alive, and whether it has changed since it was last read."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models import Count, Max, Sum
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotFound,
    HttpResponseNotModified,
    JsonResponse,
)
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.utils.translation import get_language
from typing_extensions import override

import gorkflow
from gorkflow.admin.display import run_summary
from gorkflow.admin.page import TEMPLATES, RunPage
from gorkflow.models import StepExecution, WorkflowRun

GROWTH_SECONDS = 10
"""How often the bars of running steps grow when nothing else happens."""


class LivePage(RunPage):
    """What the page of an unfinished run asks for again and again."""

    @override
    def get_urls(self) -> list[URLPattern]:
        """Put our page before Django's, which would take it for an id."""
        live = path(
            "<path:object_id>/live/",
            self.admin_site.admin_view(self.live_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_live",
        )
        return [live, *super().get_urls()]

    def live_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer with the part of the page that changes, or that it has not."""
        row = self.visible_run(request, object_id)
        if row is None:
            return HttpResponseNotFound()
        etag = self._etag(request, row)
        response: HttpResponse
        if etag in parse_etags(request.headers.get("If-None-Match", "")):
            response = HttpResponseNotModified()
        else:
            response = JsonResponse(self._news(request, row))
        response["ETag"] = etag
        response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Cookie"])
        return response

    def _news(self, request: HttpRequest, row: WorkflowRun) -> dict[str, Any]:
        context = self.live_context(request, row)
        run = context["run"]
        return {
            "html": render_to_string(f"{TEMPLATES}live.html", context, request),
            "said": run_summary(run),
            "ended": run.status.is_terminal,
        }

    def _etag(self, request: HttpRequest, row: WorkflowRun) -> str:
        """Return a tag that changes with everything that is shown, for the price of one query."""
        seen = (
            StepExecution.objects.using(row._state.db)  # noqa: SLF001
            .filter(run_id=row.pk)
            .order_by()
            .values("status")
            .annotate(
                count=Count("id"),
                begun=Sum("attempt"),
                reported=Sum("progress"),
                parents=Sum("pending"),
                last_ready=Max("ready_at"),
                last_start=Max("started_at"),
                last_end=Max("ended_at"),
            )
        )
        grows = row.ended_at is None and int(timezone.now().timestamp()) // GROWTH_SECONDS
        parts = (
            gorkflow.__version__,
            get_language(),
            self.has_payload_permission(request),
            request.GET.urlencode(),
            row.status,
            row.started_at,
            row.ended_at,
            grows,
            sorted(map(str, seen)),
        )
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return f'W/"{digest[:32]}"'
