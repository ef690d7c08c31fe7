"""The run list: its columns, and the step counts of one page read together."""

from __future__ import annotations

from typing import Any, Protocol, cast

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from gorkflow.admin import display
from gorkflow.admin.base import RunAdminBase
from gorkflow.admin.filters import FILTERS, StartedByFilter, TagFilter, search_runs
from gorkflow.admin.paginator import CappedPaginator
from gorkflow.models.querysets import RunQuerySet
from gorkflow.records import RunRecord
from gorkflow.stores.orm.rows import count_steps, run_record

SHORT_ID = 18
"""Characters of an id in the list. An id begins with the time it was made at, so fewer would not
tell the runs of one batch apart."""

LINKABLE = ("resource_id", "resource_id__exact")
"""Columns that a link to the list may filter by, beside its own filters."""

SHOWN_TAGS = 3


class ListedRun(Protocol):
    """A row of the list."""

    record: RunRecord
    retried: int
    """Steps that were attempted more than once."""

    def query(self, new_params: dict[str, str]) -> str:
        """Return the list's URL with more in it."""


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
            found = counts.get(run.pk)
            run.record = run_record(run, found)
            run.retried = found["retried"] if found else 0
            run.query = self.get_query_string
        self.result_list = cast("Any", runs)


class RunList(RunAdminBase):
    """The run list."""

    actions_selection_counter = True
    list_display = ("status_pill", "run", "about", "progress", "created")
    list_display_links = ("run",)
    list_filter = FILTERS
    list_max_show_all = 50
    list_per_page = 50
    ordering = ("-created_at", "-id")
    paginator = CappedPaginator
    search_fields = ("id", "resource_id")
    search_help_text = _(
        "The id of a run or how it begins, a whole resource id, or a tag of the past 30 days as "
        "name:value."
    )
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
        context = {
            "title": capfirst(self.opts.verbose_name_plural),
            "workflows_url": self.workflows_url(),
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @override
    def get_search_results(  # type: ignore[override]  # of runs only
        self, request: HttpRequest, queryset: RunQuerySet, search_term: str
    ) -> tuple[RunQuerySet, bool]:
        """Find runs by what has an index."""
        term = search_term.strip()
        return (search_runs(request, queryset, term) if term else queryset), False

    @override
    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse what the list does not offer.

        Django allows any column of the table: `?input__card__startswith=4` would let a user read
        a payload, letter by letter, that the user may not see.
        """
        return lookup in {each.parameter_name for each in FILTERS} or lookup in LINKABLE

    @admin.display(description=_("status"))
    def status_pill(self, obj: ListedRun) -> str:
        """Icon and word, and how long it took, or takes so far."""
        run = obj.record
        pill = display.status_pill(run.status)
        if run.started_at is None:
            return pill
        took = display.duration(run.started_at, run.ended_at)
        return format_html('{}<div class="gorkflow-quiet">{}</div>', pill, took)

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

    @admin.display(description=_("about"))
    def about(self, obj: ListedRun) -> str:
        """What the run is about: resource id, and tags to narrow the list down by."""
        run = obj.record
        tags = sorted(run.tags.items())
        links = format_html_join(
            " ",
            '<a class="gorkflow-tag" href="{0}" title="{1}">{1}</a>',
            (
                (obj.query({TagFilter.parameter_name: f"{name}:{value}"}), f"{name}: {value}")
                for name, value in tags[:SHOWN_TAGS]
            ),
        )
        more = f" +{len(tags) - SHOWN_TAGS}" if len(tags) > SHOWN_TAGS else ""
        return format_html("<div>{}</div>{}{}", run.resource_id, links, more)

    @admin.display(description=_("progress"))
    def progress(self, obj: ListedRun) -> str:
        """A bar and "7 of 12", how many steps failed and how many were retried."""
        return display.progress_bar(obj.record, retried=obj.retried)

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, obj: ListedRun) -> str:
        """When it was stored, when the first step began, and by whom."""
        run = obj.record
        lines = [display.moment(run.created_at)]
        if run.started_at is not None:
            lines.append(_quiet(_("started {}"), display.moment(run.started_at)))
        if run.started_by:
            query = obj.query({StartedByFilter.parameter_name: run.started_by})
            link = format_html('<a href="{}">{}</a>', query, run.started_by)
            lines.append(_quiet(_("by {}"), link))
        return format_html_join("", "{}", ((line,) for line in lines))


def _quiet(words: Promise, what: str) -> str:
    said = format_html(str(words), what)
    return format_html('<div class="gorkflow-quiet gorkflow-by">{}</div>', said)
