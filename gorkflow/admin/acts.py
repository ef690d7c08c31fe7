"""What a user may do to runs here, each done by the engine. More acts are more entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from gorkflow.admin.forms.options import idempotency_key
from gorkflow.config import MAX_REASON
from gorkflow.engine import Engine
from gorkflow.statuses import ACTIVE_RUNS, RETRYABLE_RUNS, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Who acts, why, and which sending of the form it is."""

    actor: str
    reason: str
    token: UUID


class ReasonForm(forms.Form):
    """Asks why, and carries the token that makes a double click act once."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4, required=False)
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("Optional. Kept with the run and in the admin's history."),
    )

    def deed(self, actor: str) -> Deed:
        """Return what a valid form says."""
        found = self.cleaned_data
        return Deed(actor=actor, reason=found["reason"], token=found["token"] or uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act, with its words."""

    name: str
    """In URLs and permissions: "cancel"."""
    statuses: Sequence[RunStatus]
    """The runs it can be done to."""
    do: Callable[[Engine, UUID, Deed], object]
    """Does it to a run."""
    label: Promise
    button: Promise
    question: Promise
    """About one run."""
    bulk_question: Promise
    """About `count` runs, `shown` as text."""
    consequence: Promise
    done: Promise
    """About `count` runs."""
    logged: str
    """What the history says; its language is that of the code, as the admin's own."""

    def log_message(self, reason: str) -> str:
        """Return what the history says."""
        return f"{self.logged}: {reason}" if reason else f"{self.logged}."


def _cancel(engine: Engine, run_id: UUID, deed: Deed) -> object:
    return engine.cancel(run_id, actor=deed.actor, reason=deed.reason)


def _retry(engine: Engine, run_id: UUID, deed: Deed) -> object:
    return engine.retry(run_id, actor=deed.actor, reason=deed.reason)


def _rerun(engine: Engine, run_id: UUID, deed: Deed) -> object:
    key = f"{idempotency_key(deed.token)}-{run_id}"
    return engine.rerun(run_id, idempotency_key=key, actor=deed.actor, reason=deed.reason)


CANCEL = Act(
    name="cancel",
    statuses=ACTIVE_RUNS,
    do=_cancel,
    label=_("Cancel"),
    button=_("Yes, cancel"),
    question=_("Cancel this run?"),
    bulk_question=ngettext_lazy("Cancel %(shown)s run?", "Cancel %(shown)s runs?", "count"),
    consequence=_(
        "Nothing new starts. A step that is being worked on is told to stop, and its result is "
        "refused. What was completed is kept, and the run can be retried later."
    ),
    done=ngettext_lazy("%(count)d run was cancelled.", "%(count)d runs were cancelled.", "count"),
    logged="Cancelled",
)

RETRY = Act(
    name="retry",
    statuses=RETRYABLE_RUNS,
    do=_retry,
    label=_("Retry"),
    button=_("Yes, retry"),
    question=_("Retry this run?"),
    bulk_question=ngettext_lazy("Retry %(shown)s run?", "Retry %(shown)s runs?", "count"),
    consequence=_(
        "The run goes on from the steps that are not done. What was completed is kept and does "
        "not run again."
    ),
    done=ngettext_lazy("%(count)d run goes on.", "%(count)d runs go on.", "count"),
    logged="Retried",
)

RERUN = Act(
    name="rerun",
    statuses=tuple(RunStatus),
    do=_rerun,
    label=_("Run again"),
    button=_("Yes, run again"),
    question=_("Do this run again?"),
    bulk_question=ngettext_lazy("Do %(shown)s run again?", "Do %(shown)s runs again?", "count"),
    consequence=_(
        "A new run is started for each, with the same input, by the code as it is now. The runs "
        "themselves stay as they are."
    ),
    done=ngettext_lazy("%(count)d run was started.", "%(count)d runs were started.", "count"),
    logged="Rerun",
)
