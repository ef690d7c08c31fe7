"""Why is it not running? What a run, or a step of it, waits for, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gorkflow.admin.display import in_words
from gorkflow.engine import Engine
from gorkflow.models import WorkflowRun
from gorkflow.records import RunRecord, StepRecord
from gorkflow.statuses import DONE_STEPS, LIVE_STEPS, RunStatus, StepStatus

NAMED_PARENTS = 3
MAX_REASONS = 5

PATIENCE = timedelta(seconds=30)
"""How long ready work may wait before the page says that nobody takes it."""

CLOCKS_DIFFER = timedelta(seconds=5)
"""What may lie between the database's clock and ours."""


class Waiting:
    """What is known of a run that is not over."""

    def __init__(
        self, row: WorkflowRun, run: RunRecord, steps: Sequence[StepRecord], engine: Engine
    ) -> None:
        self._row = row
        self._run = run
        self._steps = steps
        self._by_id = {step.step_id: step for step in steps}
        self._engine = engine
        self._now = timezone.now()

    def run_reasons(self) -> list[str]:
        """Return why none of the run's steps is being worked on; nothing if one is."""
        live = [step for step in self._steps if step.status in LIVE_STEPS]
        if self._run.status.is_terminal or any(self._is_worked_on(step) for step in live):
            return []
        waiting = [step for step in live if not self._missing(step)]
        found = dict.fromkeys(f"{step.name}: {self.step_reason(step)}" for step in waiting)
        reasons = list(found)
        more = len(reasons) - MAX_REASONS
        if more > 0:
            and_more = ngettext("%(count)d step more", "%(count)d steps more", more)
            reasons[MAX_REASONS:] = [and_more % {"count": more}]
        return reasons

    def step_reason(self, step: StepRecord) -> str:
        """Return why the step is not running; "" where it is, or is over."""
        if self._run.status.is_terminal or step.status not in LIVE_STEPS:
            return ""
        if step.status is StepStatus.RUNNING:
            return self._unheard_of(step)
        if missing := self._missing(step):
            return _named(missing)
        if step.due_at is not None and step.due_at > self._now:
            return self._until(step)
        return (
            step.progress_note or self._code_problem(step) or self._limit() or self._unclaimed(step)
        )

    def _is_worked_on(self, step: StepRecord) -> bool:
        return step.status is StepStatus.RUNNING and not self._unheard_of(step)

    def _unheard_of(self, step: StepRecord) -> str:
        """Return what there is to say of a worker that does not renew its lease."""
        if step.due_at is None or self._now - step.due_at < CLOCKS_DIFFER:
            return ""
        text = _(
            "worker %(worker)s has not been heard of since its lease ended %(time)s ago; the next"
            " sweep of another one frees the step"
        )
        return text % {"worker": step.worker, "time": in_words(self._now - step.due_at)}

    def _missing(self, step: StepRecord) -> list[str]:
        if step.pending_parents == 0:
            return []
        parents = [self._by_id[parent] for parent in step.parents]
        return [parent.name for parent in parents if parent.status not in DONE_STEPS]

    def _until(self, step: StepRecord) -> str:
        assert step.due_at
        words = {"number": step.attempt + 1, "time": in_words(step.due_at - self._now)}
        if self._run.run_at is not None:
            return _("the run was put off and begins in %(time)s") % words
        return _("attempt %(number)s is due in %(time)s") % words

    def _code_problem(self, step: StepRecord) -> str:
        registry = self._engine.registry
        workflow = registry.find(self._run.workflow_id, self._run.workflow_version)
        words = {"version": self._run.workflow_version, "step": step.step_id}
        if workflow is None:
            text = _(
                "there is no code for version %(version)s of the workflow here; workers without it"
                " leave the run alone"
            )
            return text % words
        if step.step_id not in workflow.steps:
            text = _("version %(version)s of the workflow has no step %(step)s in the code here")
            return text % words
        return ""

    def _limit(self) -> str:
        limit = self._row.step_limit
        running = sum(step.status is StepStatus.RUNNING for step in self._steps)
        if limit is not None and running >= limit:
            text = ngettext(
                "only %(count)d step of this run may run at once",
                "only %(count)d steps of this run may run at once",
                limit,
            )
            return text % {"count": limit}
        if self._run.status is RunStatus.PENDING and self._is_full:
            text = ngettext(
                "only %(count)d run of this workflow may be under way at once",
                "only %(count)d runs of this workflow may be under way at once",
                self._row.run_limit or 0,
            )
            return text % {"count": self._row.run_limit}
        return ""

    @cached_property
    def _is_full(self) -> bool:
        limit = self._row.run_limit
        if limit is None:
            return False
        running = WorkflowRun.objects.using(self._row._state.db).filter(  # noqa: SLF001
            workflow_id=self._run.workflow_id, status=RunStatus.RUNNING
        )
        return running.order_by()[:limit].count() >= limit

    def _unclaimed(self, step: StepRecord) -> str:
        # Not since it is due: each sweep that tells workers of it again moves that.
        since = self._now - (step.ready_at or self._run.created_at)
        if since < PATIENCE:
            return _("waits for a worker")
        text = _(
            "no worker has taken it from queue %(queue)s for %(time)s; is one running that"
            " consumes this queue?"
        )
        return text % {"queue": step.queue, "time": in_words(since)}


def _named(missing: Sequence[str]) -> str:
    named = ", ".join(missing[:NAMED_PARENTS])
    more = len(missing) - NAMED_PARENTS
    if more > 0:
        return _("waits for %(steps)s and %(more)s more") % {"steps": named, "more": more}
    return _("waits for %(steps)s") % {"steps": named}
