"""What can be asked about many runs, and what the answers are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID

from gorkflow.errors import PayloadError
from gorkflow.records import Json, RunRecord, storable_text
from gorkflow.statuses import RunStatus

TEXTS = ("workflow_id", "workflow_version", "resource_id", "started_by")
AFTER = ("created_after", "started_after", "ended_after")
BEFORE = ("created_before", "started_before", "ended_before")
ORDERS = ("-created_at", "created_at", "-ended_at", "ended_at")
"""What a list can be in the order of: columns with an index."""
PAYLOADS = ("input", "output")
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
SAMPLE = 10_000
"""Runs that figures on durations are of, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list, and how; every field that is set must match.

    Raises:
        PayloadError: a status, order or payload is unknown, a text can be in no run, a time has no
            time zone, or the limit is below 1. Its `errors` name the field.

    """

    run_ids: Sequence[UUID] = ()
    """Any of these."""
    workflow_id: str | None = None
    workflow_version: str | None = None
    statuses: Sequence[RunStatus] = ()
    """Any of these; their names as text do too."""
    resource_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    started_by: str | None = None
    created_after: datetime | None = None
    """Inclusive, as every `..._after`."""
    created_before: datetime | None = None
    """Exclusive, as every `..._before`."""
    started_after: datetime | None = None
    started_before: datetime | None = None
    ended_after: datetime | None = None
    ended_before: datetime | None = None
    has_retries: bool | None = None
    """Whether some step of the run was attempted more than once."""
    order: str = "-created_at"
    """One of ORDERS; by `ended_at` only runs that have ended are listed."""
    payloads: Sequence[str] = ()
    """What to read with each run, of PAYLOADS: `RunPage.payloads`."""
    limit: int = 50
    cursor: str | None = None
    """`RunPage.next_cursor` of the page before, in the same order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "statuses", _checked_statuses(self.statuses))
        for name in (*TEXTS, "cursor"):
            _check_text(name, getattr(self, name))
        for tag in self.tags.items():
            for part in tag:
                _check_text("tags", part)
        for name in (*AFTER, *BEFORE):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise _bad_filter(name, "must have a time zone")
            object.__setattr__(self, name, moment and storable_moment(moment))
        _check_known("order", (self.order,), ORDERS)
        _check_known("payloads", self.payloads, PAYLOADS)
        if isinstance(self.limit, bool) or not isinstance(self.limit, int) or self.limit < 1:
            raise _bad_filter("limit", f"must be 1 or more, not {self.limit!r:.40}")

    @property
    def order_column(self) -> str:
        """The column that the list is in the order of."""
        return self.order.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        """Whether the latest comes first."""
        return self.order.startswith("-")

    def within(self, other: RunFilter) -> Self | None:
        """Return this filter, narrowed to what the other lets through too; None if that is nothing.

        Order, payloads, limit and cursor are this one's.
        """
        changes: dict[str, Any] = {}
        for name in (*TEXTS, "has_retries"):
            own, others = getattr(self, name), getattr(other, name)
            if None not in (own, others) and own != others:
                return None
            changes[name] = others if own is None else own
        for name in ("run_ids", "statuses"):
            own, others = getattr(self, name), getattr(other, name)
            changes[name] = [each for each in own if each in others] if own and others else own
            changes[name] = changes[name] if own else others
            if own and not changes[name]:
                return None
        if any(self.tags.get(name, value) != value for name, value in other.tags.items()):
            return None
        changes["tags"] = {**self.tags, **other.tags}
        for names, pick in ((AFTER, max), (BEFORE, min)):
            for name in names:
                moments = [getattr(each, name) for each in (self, other)]
                changes[name] = pick((each for each in moments if each is not None), default=None)
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of runs; `next_cursor` is None on the last."""

    runs: tuple[RunRecord, ...]
    next_cursor: str | None = None
    payloads: Mapping[UUID, Mapping[str, Json | None]] = field(default_factory=dict)
    """What the filter's `payloads` asked for: JSON text by run and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long runs took, from their first step's start to their end; in seconds."""

    count: int
    """Runs that the figures are of."""
    mean: float
    p50: float
    p95: float
    longest: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Self | None:
        """Return the figures, or None of no runs."""
        sample = sorted(seconds)
        if not sample:
            return None
        last = len(sample) - 1
        return cls(
            count=len(sample),
            mean=sum(sample) / len(sample),
            p50=sample[round(last * 0.5)],
            p95=sample[round(last * 0.95)],
            longest=sample[-1],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStats:
    """How many runs there are in each status, and how long the completed ones took."""

    counts: Mapping[RunStatus, int]
    durations: Durations | None
    """Of the newest completed runs, at most SAMPLE; None if there are none."""
    workflows: Mapping[str, RunStats] = field(default_factory=dict)
    """The same for each workflow that has runs, by id; empty inside of it."""

    @classmethod
    def of(
        cls, counts: Iterable[tuple[str, str, int]], sample: Iterable[tuple[str, float]]
    ) -> RunStats:
        """Put figures together.

        Args:
            counts: workflow id, status and number of runs.
            sample: workflow id and duration of completed runs.

        """
        counted: dict[str, dict[RunStatus, int]] = {}
        for workflow_id, status, count in counts:
            counted.setdefault(workflow_id, {})[RunStatus(status)] = count
        took: dict[str, list[float]] = {}
        for workflow_id, seconds in sample:
            took.setdefault(workflow_id, []).append(seconds)
        return cls(
            counts=_all_statuses(counted.values()),
            durations=Durations.of(each for some in took.values() for each in some),
            workflows={
                workflow_id: cls(
                    counts=_all_statuses([counted[workflow_id]]),
                    durations=Durations.of(took.get(workflow_id, ())),
                )
                for workflow_id in sorted(counted)
            },
        )


def _all_statuses(counts: Iterable[Mapping[RunStatus, int]]) -> dict[RunStatus, int]:
    total = dict.fromkeys(RunStatus, 0)
    for each in counts:
        for status, count in each.items():
            total[status] += count
    return total


def storable_moment(moment: datetime) -> datetime:
    """Return a time with a time zone as one in UTC that every database and driver takes.

    One that is before all runs or after them becomes another such.
    """
    try:
        return min(max(moment.astimezone(UTC), EARLIEST), LATEST)
    except OverflowError:
        return EARLIEST if moment.year < EARLIEST.year else LATEST


def _checked_statuses(statuses: Sequence[str]) -> tuple[RunStatus, ...]:
    if isinstance(statuses, str):
        # A text is a sequence too, of letters.
        statuses = (statuses,)
    _check_known("statuses", statuses, list(RunStatus))
    return tuple(map(RunStatus, statuses))


def _check_known(name: str, given: Iterable[str], known: Sequence[str]) -> None:
    for each in given:
        if each not in known:
            raise _bad_filter(name, f"{each!r:.40} is none of {', '.join(known)}")


def _check_text(name: str, text: str | None) -> None:
    if text is not None and (not isinstance(text, str) or storable_text(text) != text):
        raise _bad_filter(name, "must be text without NUL characters and lone surrogates")


def _bad_filter(name: str, why: str) -> PayloadError:
    error = {"loc": [name], "msg": why, "type": "value_error"}
    return PayloadError(f"run filter {name}: {why}", errors=[error])
