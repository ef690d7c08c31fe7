"""The first page of the app in the admin: what runs, what failed, and what nobody works on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from gorkflow.admin import permissions
from gorkflow.admin.display import in_words, moment, status_pill, status_word
from gorkflow.admin.filters import CreatedFilter
from gorkflow.admin.visible import site_of, using, visible_figures, visible_runs
from gorkflow.admin.waiting import PATIENCE
from gorkflow.diagrams import Bar, bars_svg, span_svg
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.models.querysets import RunQuerySet
from gorkflow.queries import RunFilter
from gorkflow.records import ErrorInfo
from gorkflow.statuses import ACTIVE_RUNS, CLAIMABLE_STEPS, RunStatus, StepStatus

HOURS = 24
FAILURES = 8
WAITING_STEPS = 500
"""Waiting steps that are looked at, the oldest first."""

_STACKED = (
    RunStatus.COMPLETED,
    RunStatus.FAILED,
    RunStatus.CANCELLED,
    RunStatus.RUNNING,
    RunStatus.PENDING,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue on which work waits."""

    name: str
    waiting: str
    """How many steps, in words."""
    since: str
    is_idle: bool
    """Whether no step of it is being worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that failed."""

    url: str
    workflow: str
    at: str
    step: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long the completed runs of a workflow took."""

    workflow: str
    url: str
    count: int
    p50: str
    p95: str
    bar: SafeString


class Dashboard:
    """What the page shows of the database that the engine uses.

    Args:
        request: tells the site and what its user may see.

    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._site = site_of(request)
        self._now = timezone.now()

    def context(self) -> dict[str, Any]:
        """Return everything for the template."""
        return {
            "windows": [name for name, _label in _windows()],
            "counts": self._counts(),
            "hours": self._hours(),
            "paces": self._paces(),
            "queues": self._queues(),
            "failures": self._failures(),
            "with_details": permissions.may_see_payloads(self._request),
            "runs_url": self._list_url(),
            "workflows_url": self._url("registeredworkflow_changelist"),
        }

    def _counts(self) -> list[dict[str, Any]]:
        """Return a row for each status, with a count and a link for each window."""
        lengths = dict(_windows())
        since = {name: self._now - length for name, length in lengths.items()}
        found = (
            self._runs()
            .filter(created_at__gte=min(since.values()))
            .order_by()
            .values("status")
            .annotate(
                **{
                    f"in_{name}": Count("created_at", filter=Q(created_at__gte=begin))
                    for name, begin in since.items()
                }
            )
        )
        counts: dict[str, dict[str, Any]] = {row["status"]: dict(row) for row in found}
        return [
            {
                "status": status_pill(status),
                "cells": [
                    {
                        "count": counts.get(status, {}).get(f"in_{name}", 0),
                        "url": self._list_url(status=status, created=name),
                        "window": name,
                    }
                    for name in lengths
                ],
            }
            for status in RunStatus
        ]

    def _hours(self) -> SafeString:
        """Return the chart of runs by the hour in which they were created."""
        last = self._now.replace(minute=0, second=0, microsecond=0)
        hours = [last - timedelta(hours=back) for back in range(HOURS - 1, -1, -1)]
        rows = (
            self._runs()
            .filter(created_at__gte=hours[0])
            .order_by()
            .annotate(hour=TruncHour("created_at", tzinfo=self._now.tzinfo))
            .values_list("hour", "status")
            .annotate(runs=Count("id"))
        )
        amounts: dict[datetime, dict[str, float]] = {hour: {} for hour in hours}
        for hour, status, count in rows:
            amounts.setdefault(hour, {})[status] = count
        bars = [_hour_bar(hour, amounts[hour], place) for place, hour in enumerate(hours)]
        return SafeString(bars_svg(bars, label=_("Runs by the hour"), width=1000.0, scale=True))

    def _paces(self) -> list[Pace]:
        since = self._now - timedelta(hours=HOURS)
        wanted = RunFilter(created_after=since)
        stats = visible_figures(self._request, self._site, wanted).workflows
        took = {name: found.durations for name, found in stats.items() if found.durations}
        slowest = max((each.p95 for each in took.values()), default=0.0) or 1.0
        return [
            Pace(
                workflow=name,
                url=self._list_url(workflow=name, created="24h"),
                count=found.count,
                p50=in_words(timedelta(seconds=found.p50)),
                p95=in_words(timedelta(seconds=found.p95)),
                bar=SafeString(span_svg(found.p50 / slowest, found.p95 / slowest)),
            )
            for name, found in took.items()
        ]

    def _queues(self) -> list[Queue]:
        """Return the queues on which ready work waits for long, the longest first.

        Work of a worker whose lease has ended waits too: nobody is there to free it.

        Runs that are held back by a limit do not count: their work waits for them, not for workers.
        """
        steps = StepExecution.objects.using(using()).live()
        free = Q(run__run_limit=None) | Q(run__status=RunStatus.RUNNING)
        rows = (
            steps.filter(
                free,
                status__in=(*CLAIMABLE_STEPS, StepStatus.RUNNING),
                due_at__lte=self._now - PATIENCE,
                run__status__in=ACTIVE_RUNS,
                run__step_limit=None,
            )
            .order_by("due_at")
            .values_list("queue", "due_at")[:WAITING_STEPS]
        )
        waiting: dict[str, list[datetime]] = {}
        for queue, due_at in rows:
            waiting.setdefault(queue, []).append(due_at or self._now)
        if not waiting:
            return []
        held = steps.filter(status=StepStatus.RUNNING, due_at__gte=self._now, queue__in=waiting)
        busy = set(held.order_by().values_list("queue", flat=True).distinct())
        return [
            self._queue(name, since, is_idle=name not in busy) for name, since in waiting.items()
        ]

    def _queue(self, name: str, since: Sequence[datetime], *, is_idle: bool) -> Queue:
        many = len(since) >= WAITING_STEPS
        waiting = ngettext("%(count)s step waits", "%(count)s steps wait", len(since))
        return Queue(
            name=name,
            waiting=waiting % {"count": f"{len(since)}+" if many else len(since)},
            since=in_words(self._now - since[0]),
            is_idle=is_idle,
        )

    def _failures(self) -> list[Failure]:
        failed = self._runs().filter(status=RunStatus.FAILED).order_by("-created_at", "-id")
        rows = failed.only("id", "workflow_id", "ended_at", "error")[:FAILURES]
        return list(self._read_failures(rows))

    def _read_failures(self, rows: Iterable[WorkflowRun]) -> Iterable[Failure]:
        with_details = permissions.may_see_payloads(self._request)
        for row in rows:
            error = None if row.error is None else ErrorInfo.from_dict(row.error)
            said = "" if error is None else str(error.message if with_details else error.code)
            yield Failure(
                url=self._url("workflowrun_change", row.pk),
                workflow=row.workflow_id,
                at=moment(row.ended_at),
                step="" if error is None else error.step_id,
                said=said,
            )

    def _runs(self) -> RunQuerySet:
        return visible_runs(self._request, self._site)

    def _list_url(self, **query: str) -> str:
        url = self._url("workflowrun_changelist")
        return f"{url}?{urlencode(query)}" if query else url

    def _url(self, name: str, *args: object) -> str:
        return reverse(f"admin:gorkflow_{name}", args=args, current_app=self._site.name)


def _windows() -> list[tuple[str, timedelta]]:
    return [(name, length) for name, (length, _label) in CreatedFilter.windows.items()]


def _hour_bar(hour: datetime, amounts: dict[str, float], place: int) -> Bar:
    at = date_format(timezone.localtime(hour), "H:i")
    said = ", ".join(
        f"{amounts[status]:.0f} {status_word(status).lower()}"
        for status in _STACKED
        if status in amounts
    )
    return Bar(
        parts={status: amounts[status] for status in _STACKED if status in amounts},
        title=f"{at}: {said or _('no runs')}",
        label=at if place % 4 == 0 else "",
    )
