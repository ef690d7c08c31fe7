"""A run's steps as a table: which of them, in pages, and what each row says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from gorkflow.admin.display import duration, in_words, moment, status_pill
from gorkflow.admin.drawings import StepUrl
from gorkflow.admin.waiting import Waiting
from gorkflow.records import AttemptRecord, ErrorInfo, StepRecord
from gorkflow.statuses import DONE_STEPS, StepStatus

ROWS_PER_PAGE = 100

SHOW, PAGE = "show", "page"

VIEWS: dict[str, tuple[Promise, frozenset[StepStatus]]] = {
    "": (gettext_lazy("All"), frozenset(StepStatus)),
    "failed": (gettext_lazy("Failed"), frozenset({StepStatus.FAILED})),
    "running": (
        gettext_lazy("Running"),
        frozenset({StepStatus.RUNNING, StepStatus.RETRYING}),
    ),
    "waiting": (gettext_lazy("Not begun"), frozenset({StepStatus.PENDING})),
    "done": (gettext_lazy("Done"), frozenset(DONE_STEPS)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt."""

    number: int
    status: str
    worker: str
    queued: str
    started: str
    ended: str
    is_over: bool
    duration: str
    error: ErrorInfo | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step. Everything in it is escaped, or will be by the template."""

    anchor: str
    url: str
    id: str
    name: str
    step_id: str
    """Where it says more than the name."""
    status: str
    state: str
    """The status for programs."""
    note: str
    """Why it is not over yet."""
    attempts: Sequence[AttemptRow]
    next_at: str
    """When it is due to be tried again."""
    next_number: int
    lost_workers: int
    queue: str
    worker: str
    started: str
    ended: str
    duration: str
    has_more: bool
    """Whether its attempts say more than the row does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A link to some of the steps."""

    label: Promise
    count: int
    query: str
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTable:
    """One page of a run's steps."""

    rows: Sequence[StepRow]
    views: Sequence[View]
    page: int
    pages: int
    before: str
    """The query of the page before; "" on the first."""
    after: str


class StepRows:
    """Makes rows of steps for one reader.

    Args:
        waiting: tells what steps wait for.
        step_url: where a step has its page.
        with_details: whether error messages and tracebacks may be in them.

    """

    def __init__(self, waiting: Waiting, step_url: StepUrl, *, with_details: bool) -> None:
        self._waiting = waiting
        self._step_url = step_url
        self._with_details = with_details

    def table(self, steps: Sequence[StepRecord], query: QueryDict) -> StepTable:
        """Return the page of the table that the URL asks for."""
        show = query.get(SHOW, "")
        if show not in VIEWS:
            show = ""
        wanted = [step for step in steps if step.status in VIEWS[show][1]]
        pages = max(1, -(-len(wanted) // ROWS_PER_PAGE))
        page = min(_number(query.get(PAGE, "")), pages)
        first = (page - 1) * ROWS_PER_PAGE
        return StepTable(
            rows=[self.row(step) for step in wanted[first : first + ROWS_PER_PAGE]],
            views=_views(steps, show),
            page=page,
            pages=pages,
            before=_query(show, page - 1) if page > 1 else "",
            after=_query(show, page + 1) if page < pages else "",
        )

    def row(self, step: StepRecord) -> StepRow:
        """Return one step's row."""
        attempts = [self.attempt(each) for each in step.attempts]
        return StepRow(
            anchor=anchor(step),
            url=self._step_url(step),
            id=step.step_id,
            name=step.name,
            step_id="" if _alike(step.name, step.step_id) else step.step_id,
            status=status_pill(step.status),
            state=step.status,
            note=self._note(step),
            attempts=attempts,
            next_at=moment(step.due_at) if step.status is StepStatus.RETRYING else "",
            next_number=step.attempt + 1,
            lost_workers=step.crashes,
            queue=step.queue,
            worker=step.worker,
            started=moment(step.started_at) if step.started_at else "",
            ended=moment(step.ended_at) if step.ended_at else "",
            duration=duration(step.started_at, step.ended_at) if step.started_at else "",
            has_more=len(attempts) > 1 or any(each.error for each in attempts),
        )

    def attempt(self, attempt: AttemptRecord) -> AttemptRow:
        """Return one attempt's row."""
        return AttemptRow(
            number=attempt.number,
            status=status_pill(attempt.status),
            worker=attempt.worker,
            queued=_queued(attempt),
            started=moment(attempt.started_at),
            ended=moment(attempt.ended_at),
            is_over=attempt.ended_at is not None,
            duration=duration(attempt.started_at, attempt.ended_at),
            error=visible_error(attempt.error, with_details=self._with_details),
        )

    def _note(self, step: StepRecord) -> str:
        if step.status is StepStatus.RUNNING and (step.progress or step.progress_note):
            # The note is the handler's own text, and may speak of what it works on.
            note = step.progress_note if self._with_details else ""
            said = f"{step.progress:.0%} {note}".rstrip()
            silent = self._waiting.step_reason(step)
            return f"{said}; {silent}" if silent else said
        return self._waiting.step_reason(step)


def visible_error(error: ErrorInfo | None, *, with_details: bool) -> ErrorInfo | None:
    """Return what of an error the user may see: its code and place always, the rest as allowed."""
    if error is None or with_details:
        return error
    return error.public()


def anchor(step: StepRecord) -> str:
    """Return the step's place on the page; ids may hold any character, positions may not."""
    return f"step-{step.position}"


def _views(steps: Sequence[StepRecord], show: str) -> list[View]:
    counted = (
        (name, label, sum(step.status in statuses for step in steps))
        for name, (label, statuses) in VIEWS.items()
    )
    return [
        View(label=label, count=count, query=_query(name, 1), is_current=name == show)
        for name, label, count in counted
        if count or name in {"", show}
    ]


def _query(show: str, page: int) -> str:
    query = QueryDict(mutable=True)
    if show:
        query[SHOW] = show
    if page > 1:
        query[PAGE] = str(page)
    return f"?{query.urlencode()}"


def _number(text: str) -> int:
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1  # noqa: PLR2004


def _alike(name: str, step_id: str) -> bool:
    return name.casefold() == step_id.replace("_", " ").casefold()


def _queued(attempt: AttemptRecord) -> str:
    if attempt.queued_at is None or attempt.started_at is None:
        return ""
    return in_words(attempt.started_at - attempt.queued_at)
