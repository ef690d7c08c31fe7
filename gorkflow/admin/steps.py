"""A run's steps and their attempts, as rows of the run page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from gorkflow.admin.display import duration, in_words, moment, status_pill
from gorkflow.records import AttemptRecord, ErrorInfo, StepRecord
from gorkflow.statuses import DONE_STEPS, StepStatus

NAMED_PARENTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt."""

    number: int
    status: str
    worker: str
    queued: str
    started: str
    ended: str
    duration: str
    error: ErrorInfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step. Everything in it is escaped, or will be by the template."""

    anchor: str
    name: str
    step_id: str
    """Where it says more than the name."""
    status: str
    note: str
    """Why it is not over yet."""
    attempts: Sequence[AttemptRow]
    lost_workers: int
    queue: str
    worker: str
    started: str
    ended: str
    duration: str
    is_open: bool
    """Whether its attempts say more than the row does."""


def step_rows(steps: Sequence[StepRecord], *, with_details: bool) -> list[StepRow]:
    """Return a row for every step; without details no error message or traceback is in them."""
    by_id = {step.step_id: step for step in steps}
    return [_step_row(step, by_id, with_details=with_details) for step in steps]


def visible_error(error: ErrorInfo | None, *, with_details: bool) -> ErrorInfo | None:
    """Return what of an error the user may see: its code and place always, the rest as allowed."""
    if error is None or with_details:
        return error
    return error.public()


def anchor(step: StepRecord) -> str:
    """Return the step's place on the page; ids may hold any character, positions may not."""
    return f"step-{step.position}"


def _step_row(step: StepRecord, by_id: Mapping[str, StepRecord], *, with_details: bool) -> StepRow:
    attempts = [_attempt_row(each, with_details=with_details) for each in step.attempts]
    return StepRow(
        anchor=anchor(step),
        name=step.name,
        step_id="" if _alike(step.name, step.step_id) else step.step_id,
        status=status_pill(step.status),
        note=_note(step, by_id),
        attempts=attempts,
        lost_workers=step.crashes,
        queue=step.queue,
        worker=step.worker,
        started=moment(step.started_at),
        ended=moment(step.ended_at),
        duration=duration(step.started_at, step.ended_at),
        is_open=len(attempts) > 1 or any(each.error for each in attempts),
    )


def _alike(name: str, step_id: str) -> bool:
    return name.casefold() == step_id.replace("_", " ").casefold()


def _attempt_row(attempt: AttemptRecord, *, with_details: bool) -> AttemptRow:
    return AttemptRow(
        number=attempt.number,
        status=status_pill(attempt.status),
        worker=attempt.worker,
        queued=_queued(attempt),
        started=moment(attempt.started_at),
        ended=moment(attempt.ended_at),
        duration=duration(attempt.started_at, attempt.ended_at),
        error=visible_error(attempt.error, with_details=with_details),
    )


def _queued(attempt: AttemptRecord) -> str:
    if attempt.queued_at is None or attempt.started_at is None:
        return ""
    return in_words(attempt.started_at - attempt.queued_at)


def _note(step: StepRecord, by_id: Mapping[str, StepRecord]) -> str:
    if step.status is StepStatus.RUNNING and (step.progress or step.progress_note):
        return f"{step.progress:.0%} {step.progress_note}"
    if step.status is StepStatus.RETRYING and step.due_at is not None:
        return _("waits for its next attempt")
    if step.status is StepStatus.PENDING:
        return _waits_for(step, by_id)
    return ""


def _waits_for(step: StepRecord, by_id: Mapping[str, StepRecord]) -> str:
    missing = [
        by_id[parent].name for parent in step.parents if by_id[parent].status not in DONE_STEPS
    ]
    if not missing:
        return _("waits for a worker")
    named = ", ".join(missing[:NAMED_PARENTS])
    more = len(missing) - NAMED_PARENTS
    if more > 0:
        return _("waits for %(steps)s and %(more)s more") % {"steps": named, "more": more}
    return _("waits for %(steps)s") % {"steps": named}
