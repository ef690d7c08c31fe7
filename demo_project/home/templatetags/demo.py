"""Small words and numbers for the pages."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from demo_project.home.runs import RunRow
from demo_project.weather import report

register = template.Library()

MINUTE, HOUR, DAY = 60, 3600, 86400
JUST_NOW = 5


@register.filter
def capfirst_word(status: str) -> str:
    """Write `COMPLETED` as `Completed`."""
    return str(status).capitalize()


@register.filter
def percent(share: float) -> int:
    """Write 0.42 as 42; 100 is kept for what is whole."""
    return 100 if share >= 1 else min(int(share * 100 + 0.5), 99)


@register.filter
def counted(number: int, noun: str) -> str:
    return report.counted(number, noun)


@register.filter
def day(value: dt.date) -> str:
    return report.day_text(value)


@register.filter
def short(value: float) -> str:
    """Write 12.0 as 12, 12.5 as 12.5, and a minus that is as long as a plus."""
    return report.number(value)


@register.filter
def ago(moment: dt.datetime) -> str:
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < JUST_NOW:
        return "just now"
    return f"{duration(seconds)} ago"


@register.filter
def took(run: RunRow) -> str:
    """Say how long a run took, or has been taking."""
    if run.started_at is None:
        return "not begun"
    passed = (run.ended_at or timezone.now()) - run.started_at
    return duration(passed.total_seconds(), tenths=True)


def duration(seconds: float, *, tenths: bool = False) -> str:
    if seconds < MINUTE:
        return f"{seconds:.1f} s" if tenths else f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE:.0f} min"
    return f"{seconds // HOUR:.0f} h" if seconds < DAY else f"{seconds // DAY:.0f} d"


@register.filter
def admin_url(run_id: UUID) -> str:
    """Return the run's page in the admin."""
    try:
        return reverse("admin:gorkflow_workflowrun_change", args=[run_id])
    except NoReverseMatch:  # the project may leave the admin out
        return ""
