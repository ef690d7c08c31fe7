"""The filters of the run list. None of them looks at the table to find its choices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from gorkflow.admin.display import status_word
from gorkflow.models import StepAttempt
from gorkflow.models.querysets import RunQuerySet
from gorkflow.statuses import ACTIVE_RUNS, RunStatus
from gorkflow.wiring import get_engine

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

UNFINISHED = "unfinished"

UUID_DIGITS = 32

TAG_WINDOW = timedelta(days=30)


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


class UrlFilter(admin.SimpleListFilter):
    """By a value that a link on a row puts into the URL; only that one is offered."""

    @override
    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterable[tuple[str, Any]]:
        """Offer the one in the URL."""
        wanted = request.GET.get(str(self.parameter_name))
        return [] if wanted is None else [(wanted, wanted)]


class StartedByFilter(UrlFilter):
    """By who or what started it."""

    title = _("started by")
    parameter_name = "started_by"

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the runs that they started."""
        wanted = self.value()
        return queryset if wanted is None else queryset.filter(started_by=wanted)


class VersionFilter(UrlFilter):
    """By version, once there is a workflow to have it; offered are those there is code for."""

    title = _("version")
    parameter_name = "version"

    @override
    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterable[tuple[str, Any]]:
        """Offer the workflow's versions, and the one in the URL."""
        workflow_id = request.GET.get(WorkflowFilter.parameter_name, "")
        known = get_engine().registry.versions(workflow_id)
        given = [wanted for wanted, _label in super().lookups(request, model_admin)]
        return [(version, version) for version in dict.fromkeys([*known, *given])]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the version's runs."""
        wanted = self.value()
        return queryset if wanted is None else queryset.filter(workflow_version=wanted)


class TagFilter(UrlFilter):
    """By a tag, as `name:value`."""

    title = _("tag")
    parameter_name = "tag"

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the runs with the tag."""
        if self.value() is None:
            return queryset
        name, _separator, value = (self.value() or "").partition(":")
        return _recent(request, queryset).tagged({name: value})


class RetriesFilter(admin.SimpleListFilter):
    """By whether a step was attempted more than once. Rows alone tell, so only of late."""

    title = _("retries")
    parameter_name = "retries"

    windows = {  # noqa: RUF012  Django's own style for class options
        "24h": (timedelta(days=1), _("Some, in the past 24 hours")),
        "7d": (timedelta(days=7), _("Some, in the past 7 days")),
    }

    @override
    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterable[tuple[str, Any]]:
        """Offer the windows."""
        return [(name, label) for name, (_length, label) in self.windows.items()]

    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the runs of the window that have retries."""
        window = self.windows.get(self.value() or "")
        if window is None:
            return queryset
        since = timezone.now() - window[0]
        # By way of first attempts of the window that others followed: a database that reads the
        # whole of one table then reads that small one, not all steps.
        first = StepAttempt.objects.filter(
            number=1, started_at__gte=since, step__run_id=OuterRef("pk"), step__attempt__gt=1
        )
        return queryset.filter(Exists(first), created_at__gte=since)


FILTERS = (
    StatusFilter,
    WorkflowFilter,
    VersionFilter,
    CreatedFilter,
    RetriesFilter,
    TagFilter,
    StartedByFilter,
)


def search_runs(request: HttpRequest, runs: RunQuerySet, term: str) -> RunQuerySet:
    """Keep the runs whose id begins with the term, whose resource id it is, or that have the tag.

    A tag is looked for where the term could be one, and the term is nobody's resource id.
    """
    found = Q(resource_id=term)
    if (bounds := _id_bounds(term)) is not None:
        found |= Q(id__range=bounds)
    name, separator, value = term.partition(":")
    if not (separator and name) or runs.filter(found).exists():
        return runs.filter(found)
    return _recent(request, runs).tagged({name: value.strip()})


def _recent(request: HttpRequest, runs: Any) -> RunQuerySet:
    """Keep the runs of the past 30 days, unless the list is of some time already.

    Not every database has an index for tags: a search must not go through years of runs.
    """
    found: RunQuerySet = runs
    if CreatedFilter.parameter_name in request.GET:
        return found
    return found.filter(created_at__gte=timezone.now() - TAG_WINDOW)


def _id_bounds(term: str) -> tuple[UUID, UUID] | None:
    """Return the first and last id with the prefix: a range, so that the primary key finds it."""
    digits = term.replace("-", "")
    if not 0 < len(digits) <= UUID_DIGITS or set(digits.lower()) - set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(UUID_DIGITS, "0")), UUID(digits.ljust(UUID_DIGITS, "f"))
