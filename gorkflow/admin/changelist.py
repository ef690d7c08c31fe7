"""The run list: its columns, and the step counts of one page read together."""

from __future__ import annotations

from typing import Any, Protocol, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from gorkflow.admin import display
from gorkflow.admin.base import RunAdminBase
from gorkflow.admin.filters import CreatedFilter, StatusFilter, WorkflowFilter, search_runs
from gorkflow.admin.paginator import CappedPaginator
from gorkflow.models.querysets import RunQuerySet
from gorkflow.records import RunRecord
from gorkflow.stores.orm.rows import count_steps, run_record

SHORT_ID = 18
"""Characters of an id in the list. An id begins with the time it was made at, so fewer would not
tell the runs of one batch apart."""

LINKABLE = ("workflow_id", "workflow_version", "resource_id", "started_by")
"""Columns that a link to the list may filter by, beside its own filters."""


class ListedRun(Protocol):
    """A row of the list."""

    record: RunRecord


class RunChangeList(ChangeList):
    """Reads the step counts of all runs on the page in one query."""

    @override
    def get_results(self, request: HttpRequest) -> None:
        """Find the runs of the page."""
        super().get_results(request)
        runs: list[Any] = list(self.result_list)
        counts = count_steps([run.pk for run in runs], self.queryset.db)
        for run in runs:
            # Left in the database, and so not to be fetched one by one for the record.
            run.error = None
            run.record = run_record(run, counts.get(run.pk))
        self.result_list = cast("Any", runs)


class RunList(RunAdminBase):
    """The run list."""

    actions_selection_counter = True
    list_display = (
        "status_pill",
        "run",
        "resource",
        "progress",
        "created",
        "begun_and_ended",
        "duration",
    )
    list_display_links = ("run",)
    list_filter = (StatusFilter, WorkflowFilter, CreatedFilter)
    list_max_show_all = 50
    list_per_page = 50
    ordering = ("-created_at", "-id")
    paginator = CappedPaginator
    search_fields = ("id", "resource_id")
    search_help_text = _("The id of a run or how it begins, or a whole resource id.")
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    sortable_by = ("created",)

    @override
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return our own."""
        return RunChangeList

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list under its own name."""
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    @override
    def get_search_results(  # type: ignore[override]  # of runs only
        self, request: HttpRequest, queryset: RunQuerySet, search_term: str
    ) -> tuple[RunQuerySet, bool]:
        """Find runs by what has an index."""
        term = search_term.strip()
        return (search_runs(queryset, term) if term else queryset), False

    @override
    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse what the list does not offer.

        Django allows any column of the table: `?input__card__startswith=4` would let a user read
        a payload, letter by letter, that the user may not see.
        """
        offered = {each.parameter_name for each in (StatusFilter, WorkflowFilter, CreatedFilter)}
        return lookup in offered or lookup.removesuffix("__exact") in LINKABLE

    @admin.display(description=_("status"))
    def status_pill(self, obj: ListedRun) -> str:
        """Icon and word."""
        return display.status_pill(obj.record.status)

    @admin.display(description=_("run"))
    def run(self, obj: ListedRun) -> str:
        """Workflow, version and the beginning of the id."""
        run = obj.record
        return format_html(
            '{} <span class="gorkflow-quiet" title="{}">v{}</span><br><code title="{}">{}</code>',
            run.workflow_id,
            _("version"),
            run.workflow_version,
            run.id,
            str(run.id)[:SHORT_ID],
        )

    @admin.display(description=_("resource id"), empty_value=display.NOTHING)
    def resource(self, obj: ListedRun) -> str | None:
        """What the run is about."""
        return obj.record.resource_id or None

    @admin.display(description=_("progress"))
    def progress(self, obj: ListedRun) -> str:
        """A bar and "7 of 12"."""
        return display.progress_bar(obj.record)

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, obj: ListedRun) -> str:
        """When it was stored."""
        return display.moment(obj.record.created_at)

    @admin.display(description=_("started, ended"))
    def begun_and_ended(self, obj: ListedRun) -> str:
        """When a worker began it, and when it ended."""
        begun, ended = display.moment(obj.record.started_at), display.moment(obj.record.ended_at)
        return format_html("{}<br>{}", begun, ended)

    @admin.display(description=_("duration"))
    def duration(self, obj: ListedRun) -> str:
        """How long it took, or takes so far."""
        return display.duration(obj.record.started_at, obj.record.ended_at)
