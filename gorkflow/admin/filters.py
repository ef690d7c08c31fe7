"""The filters of the run list. None of them looks at the table to find its choices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from gorkflow.admin.display import status_word
from gorkflow.models.querysets import RunQuerySet
from gorkflow.statuses import ACTIVE_RUNS, RunStatus
from gorkflow.wiring import get_engine

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

UNFINISHED = "unfinished"

UUID_DIGITS = 32


class StatusFilter(admin.SimpleListFilter):
    """By status, or by not being over."""

    title = _("status")
    parameter_name = "status"

    @override
    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterable[tuple[str, Any]]:
        """Offer every status."""
        return [
            (UNFINISHED, _("Unfinished")),
            *((status.value, status_word(status)) for status in RunStatus),
        ]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the runs in the status."""
        wanted = self.value()
        if wanted is None:
            return queryset
        if wanted == UNFINISHED:
            return queryset.filter(status__in=ACTIVE_RUNS)
        return queryset.filter(status=wanted)


class WorkflowFilter(admin.SimpleListFilter):
    """By workflow; offered are those that this process has code for."""

    title = _("workflow")
    parameter_name = "workflow"

    @override
    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterable[tuple[str, Any]]:
        """Offer the registered workflows, and the one in the URL whatever it is."""
        names = {workflow.id: workflow.name for workflow in get_engine().registry}
        if (wanted := request.GET.get(self.parameter_name)) is not None:
            names.setdefault(wanted, wanted)
        return list(names.items())

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the workflow's runs."""
        wanted = self.value()
        return queryset if wanted is None else queryset.filter(workflow_id=wanted)


class CreatedFilter(admin.SimpleListFilter):
    """By age."""

    title = _("created")
    parameter_name = "created"

    windows = {  # noqa: RUF012  Django's own style for class options
        "15m": (timedelta(minutes=15), _("Past 15 minutes")),
        "1h": (timedelta(hours=1), _("Past hour")),
        "24h": (timedelta(days=1), _("Past 24 hours")),
        "7d": (timedelta(days=7), _("Past 7 days")),
        "30d": (timedelta(days=30), _("Past 30 days")),
    }

    @override
    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterable[tuple[str, Any]]:
        """Offer the windows."""
        return [(name, label) for name, (_length, label) in self.windows.items()]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the runs of the window."""
        window = self.windows.get(self.value() or "")
        if window is None:
            return queryset
        return queryset.filter(created_at__gte=timezone.now() - window[0])


def search_runs(runs: RunQuerySet, term: str) -> RunQuerySet:
    """Keep the runs whose id begins with the term, or whose resource id it is."""
    found = Q(resource_id=term)
    if (bounds := _id_bounds(term)) is not None:
        found |= Q(id__range=bounds)
    return runs.filter(found)


def _id_bounds(term: str) -> tuple[UUID, UUID] | None:
    """Return the first and last id with the prefix: a range, so that the primary key finds it."""
    digits = term.replace("-", "")
    if not 0 < len(digits) <= UUID_DIGITS or set(digits.lower()) - set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(UUID_DIGITS, "0")), UUID(digits.ljust(UUID_DIGITS, "f"))
