"""The runs a bulk act is about: those there were when it was asked for, and where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from django.http import HttpRequest
from django.utils.dateparse import parse_datetime

from gorkflow.models.querysets import RunQuerySet

AFTER, UNTIL = "after", "until"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A part of a list of runs, as it travels through the form that asks."""

    runs: RunQuerySet
    after: UUID | None = None
    """The last run that was acted on, where there was no time for all of them."""
    until: datetime | None = None
    """The newest run's creation. Without it "run again" would find what it has just started."""

    @classmethod
    def of(cls, request: HttpRequest, runs: RunQuerySet) -> Self:
        """Return what the request is about; the form's fields may say anything."""
        after = _uuid(request.POST.get(AFTER, ""))
        until = _moment(request.POST.get(UNTIL, ""))
        if until is None:
            newest = runs.order_by("-created_at").values_list("created_at", flat=True)
            until = newest.first()
        return cls(runs=runs, after=after, until=until)

    def rest(self) -> RunQuerySet:
        """Return the runs that are left."""
        found = self.runs if self.until is None else self.runs.filter(created_at__lte=self.until)
        return found if self.after is None else found.filter(pk__gt=self.after)

    def beyond(self, last: UUID | None) -> Self:
        """Return what is left after a run."""
        return replace(self, after=last or self.after)

    def chunks(self, size: int) -> Iterator[list[UUID]]:
        """Go through the ids in their order, so that runs which the act takes out do not matter."""
        ordered = self.rest().order_by("pk").values_list("pk", flat=True)
        chunk = list(ordered[:size])
        while chunk:
            yield chunk
            chunk = list(ordered.filter(pk__gt=chunk[-1])[:size])

    def fields(self) -> list[tuple[str, str]]:
        """Return what the form has to send again."""
        found = [] if self.until is None else [(UNTIL, self.until.isoformat())]
        return found if self.after is None else [*found, (AFTER, str(self.after))]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is None or found.tzinfo else None
