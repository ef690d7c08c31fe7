"""What a user may do to runs here, each done by the engine. More acts are more entries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from gorkflow.config import MAX_REASON
from gorkflow.engine import Engine
from gorkflow.statuses import ACTIVE_RUNS, RETRYABLE_RUNS, RunStatus


class ConfirmForm(forms.Form):
    """Asks for nothing but the confirmation."""

    def given_reason(self) -> str:
        """Return why, in the user's words."""
        return str(self.cleaned_data.get("reason", ""))


class ReasonForm(ConfirmForm):
    """Asks why."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("Optional. Kept with the run and in the admin's history."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act, with its words."""

    name: str
    """In URLs and permissions: "cancel"."""
    statuses: Sequence[RunStatus]
    """The runs it can be done to."""
    do: Callable[[Engine, UUID, str, str], object]
    """Does it to a run, for an actor and a reason."""
    form: type[ConfirmForm]
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


def _cancel(engine: Engine, run_id: UUID, actor: str, reason: str) -> object:
    return engine.cancel(run_id, actor=actor, reason=reason)


def _retry(engine: Engine, run_id: UUID, actor: str, reason: str) -> object:
    return engine.retry(run_id, actor=actor, reason=reason)


CANCEL = Act(
    name="cancel",
    statuses=ACTIVE_RUNS,
    do=_cancel,
    form=ReasonForm,
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
    form=ConfirmForm,
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
