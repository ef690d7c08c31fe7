"""Acts on many runs at once: what is said before, what is done, and what is said after."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from gorkflow.admin.acts import CANCEL, RERUN, RETRY, Act, Deed, ReasonForm
from gorkflow.admin.base import RunAdminBase
from gorkflow.admin.display import status_word
from gorkflow.admin.paginator import count_some, shown_count
from gorkflow.errors import ConcurrencyLimitError, InvalidStateError, WorkflowError
from gorkflow.models.querysets import RunQuerySet
from gorkflow.wiring import get_engine

CHUNK = 100
"""Runs that are read, acted on and logged together."""

BULK_SECONDS = 20.0
"""After which a request stops and says what is left: web servers kill those that take long."""

CONFIRMED = "confirmed"


@dataclass(slots=True)
class Outcome:
    """What a bulk act did."""

    done: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Reasons, and how many runs each of them held back."""
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
        fitting = queryset.filter(status__in=act.statuses)
        is_confirmed = CONFIRMED in request.POST
        form = ReasonForm(request.POST if is_confirmed else None)
        if is_confirmed and form.is_valid():
            deed = form.deed(self.actor(request))
            self._report(request, act, self._act(request, fitting, act, deed))
            return None
        count = count_some(fitting)
        if count == 0:
            self.message_user(request, _nothing_fits(act), messages.WARNING)
            return None
        context = self.page_context(
            request,
            title=act.bulk_question % {"count": count, "shown": shown_count(count)},
            act=act,
            form=form,
            others=shown_count(others) if (others := count_some(queryset) - count) > 0 else "",
            hidden=_hidden_fields(request, act),
            back_url=request.get_full_path(),
        )
        return TemplateResponse(request, "admin/gorkflow/workflowrun/confirm.html", context)

    def _act(self, request: HttpRequest, runs: RunQuerySet, act: Act, deed: Deed) -> Outcome:
        outcome = Outcome()
        stop_at = time.monotonic() + BULK_SECONDS
        for chunk in _chunks(runs):
            if time.monotonic() > stop_at:
                outcome.is_complete = False
                break
            done = [run_id for run_id in chunk if _do(act, run_id, deed, outcome)]
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
        for why, count in outcome.refused.items():
            left_alone = ngettext(
                "%(count)d run was left alone: %(why)s.",
                "%(count)d runs were left alone: %(why)s.",
                count,
            )
            self.message_user(request, left_alone % {"count": count, "why": why}, messages.WARNING)
        if not outcome.is_complete:
            text = _("There was no time for all of them. Do it again for the rest.")
            self.message_user(request, text, messages.WARNING)


def _do(act: Act, run_id: UUID, deed: Deed, outcome: Outcome) -> bool:
    try:
        act.do(get_engine(), run_id, deed)
    except WorkflowError as error:
        outcome.refused[_why(error)] += 1
        return False
    outcome.done += 1
    return True


def _why(error: WorkflowError) -> str:
    if isinstance(error, InvalidStateError):
        return _("it is %(status)s by now") % {"status": status_word(error.data["status"])}
    if isinstance(error, ConcurrencyLimitError):
        return _("another run holds its resource id")
    return error.message


def _chunks(runs: RunQuerySet) -> Iterator[list[UUID]]:
    """Go through the ids in their order, so that runs which the act takes out do not matter."""
    ordered = runs.order_by("pk").values_list("pk", flat=True)
    chunk = list(ordered[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(ordered.filter(pk__gt=chunk[-1])[:CHUNK])


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
