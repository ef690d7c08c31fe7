"""Acts on many runs at once: what is said before, what is done, and what is said after."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from gorkflow.admin.acts import CANCEL, RERUN, RETRY, Act, Deed, ReasonForm
from gorkflow.admin.base import RunAdminBase
from gorkflow.admin.display import status_word
from gorkflow.admin.paginator import count_some, shown_count
from gorkflow.admin.selection import Selection
from gorkflow.errors import ConcurrencyLimitError, InvalidStateError, WorkflowError
from gorkflow.models.querysets import RunQuerySet
from gorkflow.wiring import get_engine

CHUNK = 100
"""Runs that are read, acted on and logged together."""

BULK_SECONDS = 20.0
"""After which a request stops and says what is left: web servers kill those that take long."""

CONFIRMED = "confirmed"

NAMED_RUNS = 10
"""Runs that are named in one message."""


@dataclass(slots=True)
class Outcome:
    """What a bulk act did."""

    done: int = 0
    refused: dict[str, list[UUID]] = field(default_factory=dict)
    """Reasons, and the runs that each of them held back."""
    last: UUID | None = None
    is_complete: bool = True


class BulkActs(RunAdminBase):
    """The actions of the run list. Each asks first, then acts through the engine."""

    @admin.action(permissions=["cancel"], description=gettext_lazy("Cancel selected runs…"))
    def cancel_runs(self, request: HttpRequest, queryset: RunQuerySet) -> HttpResponse | None:
        """Cancel."""
        return self._confirm_or_act(request, queryset, CANCEL)

    @admin.action(permissions=["retry"], description=gettext_lazy("Retry selected runs…"))
    def retry_runs(self, request: HttpRequest, queryset: RunQuerySet) -> HttpResponse | None:
        """Retry."""
        return self._confirm_or_act(request, queryset, RETRY)

    @admin.action(permissions=["rerun"], description=gettext_lazy("Run selected runs again…"))
    def rerun_runs(self, request: HttpRequest, queryset: RunQuerySet) -> HttpResponse | None:
        """Start each of them anew."""
        return self._confirm_or_act(request, queryset, RERUN)

    def _confirm_or_act(
        self, request: HttpRequest, queryset: RunQuerySet, act: Act
    ) -> HttpResponse | None:
        self.refuse_without(request, act)
        chosen = Selection.of(request, queryset.filter(status__in=act.statuses))
        is_confirmed = CONFIRMED in request.POST
        form = ReasonForm(request.POST if is_confirmed else None)
        if is_confirmed and form.is_valid():
            deed = form.deed(self.actor(request))
            outcome = self._act(request, chosen, act, deed)
            self._report(request, act, outcome)
            if outcome.is_complete:
                return None
            # The same form once more, token and all, for what is left.
            chosen = chosen.beyond(outcome.last)
            form = ReasonForm(initial={"token": deed.token, "reason": deed.reason})
        return self._ask_for_many(request, queryset, act, chosen, form)

    def _ask_for_many(
        self,
        request: HttpRequest,
        queryset: RunQuerySet,
        act: Act,
        chosen: Selection,
        form: ReasonForm,
    ) -> HttpResponse | None:
        count = count_some(chosen.rest())
        if count == 0:
            if chosen.after is None:
                self.message_user(request, _nothing_fits(act), messages.WARNING)
            return None
        is_first = chosen.after is None
        others = max(count_some(queryset) - count, 0) if is_first else 0
        context = self.page_context(
            request,
            title=act.bulk_question % {"count": count, "shown": shown_count(count)},
            act=act,
            form=form,
            others=shown_count(others) if others else "",
            hidden=[*_hidden_fields(request, act), *chosen.fields()],
            back_url=request.get_full_path(),
        )
        return TemplateResponse(request, "admin/gorkflow/workflowrun/confirm.html", context)

    def _act(self, request: HttpRequest, chosen: Selection, act: Act, deed: Deed) -> Outcome:
        outcome = Outcome()
        stop_at = time.monotonic() + BULK_SECONDS
        for chunk in chosen.chunks(CHUNK):
            if outcome.last is not None and time.monotonic() > stop_at:
                outcome.is_complete = False
                break
            done = [run_id for run_id in chunk if _do(act, run_id, deed, outcome)]
            outcome.last = chunk[-1]
            LogEntry.objects.log_actions(
                user_id=cast("int", request.user.pk),
                queryset=self.get_queryset(request).filter(pk__in=done),
                action_flag=CHANGE,
                change_message=act.log_message(deed.reason),
            )
        return outcome

    def _report(self, request: HttpRequest, act: Act, outcome: Outcome) -> None:
        if outcome.done:
            self.message_user(request, act.done % {"count": outcome.done}, messages.SUCCESS)
        for why, run_ids in outcome.refused.items():
            left_alone = ngettext(
                "%(count)d run was left alone: %(why)s.",
                "%(count)d runs were left alone: %(why)s.",
                len(run_ids),
            )
            said = left_alone % {"count": len(run_ids), "why": why}
            links = format_html_join(
                " ",
                '<a href="{}">{}</a>',
                ((self.run_url("change", each), str(each)) for each in run_ids[:NAMED_RUNS]),
            )
            more = " …" if len(run_ids) > NAMED_RUNS else ""
            self.message_user(request, format_html("{} {}{}", said, links, more), messages.WARNING)
        if not outcome.is_complete:
            text = _("There was no time for all of them. Send the form again for the rest.")
            self.message_user(request, text, messages.WARNING)


def _do(act: Act, run_id: UUID, deed: Deed, outcome: Outcome) -> bool:
    try:
        act.do(get_engine(), run_id, deed)
    except WorkflowError as error:
        outcome.refused.setdefault(_why(error), []).append(run_id)
        return False
    outcome.done += 1
    return True


def _why(error: WorkflowError) -> str:
    if isinstance(error, InvalidStateError):
        return _("it is %(status)s by now") % {"status": status_word(error.data["status"])}
    if isinstance(error, ConcurrencyLimitError):
        return _("another run holds its resource id")
    return error.message


def _hidden_fields(request: HttpRequest, act: Act) -> list[tuple[str, Any]]:
    repeated = [(ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)]
    return [
        *repeated,
        ("action", f"{act.name}_runs"),
        ("select_across", request.POST.get("select_across", "0")),
        (CONFIRMED, "1"),
    ]


def _nothing_fits(act: Act) -> str:
    words = ", ".join(status_word(status) for status in act.statuses)
    return _("None of the selected runs can be acted on: they would have to be %(statuses)s.") % {
        "statuses": words
    }
