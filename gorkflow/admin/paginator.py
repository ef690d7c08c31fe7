"""Pages of a list that may be a million rows long, without counting them all."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.formats import number_format

from gorkflow.models import WorkflowRun

if TYPE_CHECKING:
    RunPaginator = Paginator[WorkflowRun]
else:
    RunPaginator = Paginator

MAX_COUNT = 10_000
"""Rows that are counted, and reached by turning pages, at most."""


def count_some(runs: QuerySet[WorkflowRun]) -> int:
    """Return how many there are, or MAX_COUNT + 1 if there are more than MAX_COUNT."""
    return runs.order_by()[: MAX_COUNT + 1].count()


def shown_count(count: int) -> str:
    """Return what `count_some` gave as people read it: "42", "10,000+"."""
    if count > MAX_COUNT:
        return f"{number_format(MAX_COUNT, force_grouping=True)}+"
    return number_format(count, force_grouping=True)


class CappedPaginator(RunPaginator):
    """A paginator that stops at MAX_COUNT rows."""

    @cached_property
    def count(self) -> int:
        """The number of rows, MAX_COUNT at most."""
        return min(self._counted, MAX_COUNT)

    @property
    def is_capped(self) -> bool:
        """Whether there are rows beyond the last page."""
        return self._counted > MAX_COUNT

    @cached_property
    def _counted(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return count_some(self.object_list)
