"""How a status, a progress, a moment and a length of time look. What is returned is escaped."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gorkflow.diagrams.icons import icon_paths
from gorkflow.queries import RunStats
from gorkflow.records import RunRecord

NOTHING = "\N{EN DASH}"
"""What stands where there is no value."""

WORDS: dict[str, Promise] = {
    "PENDING": gettext_lazy("Pending"),
    "RUNNING": gettext_lazy("Running"),
    "COMPLETED": gettext_lazy("Completed"),
    "FAILED": gettext_lazy("Failed"),
    "SKIPPED": gettext_lazy("Skipped"),
    "RETRYING": gettext_lazy("Retrying"),
    "CANCELLED": gettext_lazy("Cancelled"),
}


def status_word(status: str) -> str:
    """Return a status as people say it."""
    return str(WORDS.get(status, status))


def status_pill(status: str, *, word: str | None = None) -> SafeString:
    """Return icon and word, so that colour is never the only sign; the word may be another."""
    return format_html(
        '<span class="gorkflow-status gorkflow-{}"><svg class="gorkflow-icon" viewBox="0 0 16 16"'
        ' width="16" height="16" aria-hidden="true" focusable="false">{}</svg>{}</span>',
        status.lower(),
        SafeString(icon_paths(status)),
        status_word(status) if word is None else word,
    )


def progress_bar(run: RunRecord, *, retried: int = 0) -> SafeString:
    """Return a bar with "7 of 12" beside it, and how many failed or were retried."""
    text = _("%(done)s of %(total)s") % {"done": run.done_steps, "total": run.total_steps}
    if run.failed_steps:
        text = _("%(progress)s, %(failed)s failed") % {
            "progress": text,
            "failed": run.failed_steps,
        }
    if retried:
        text = _("%(progress)s, %(retried)s retried") % {"progress": text, "retried": retried}
    return format_html(
        '<span class="gorkflow-progress"><progress class="gorkflow-{}" max="100" value="{}"'
        ' aria-label="{}"></progress> <span>{}</span></span>',
        run.status.lower(),
        f"{run.progress * 100:.1f}",
        _("Progress"),
        text,
    )


def run_summary(run: RunRecord) -> str:
    """Return a run's state in one line, for those who cannot see the page."""
    text = _("%(status)s, %(done)s of %(total)s steps done") % {
        "status": status_word(run.status),
        "done": run.done_steps,
        "total": run.total_steps,
    }
    if run.failed_steps:
        text = _("%(text)s, %(failed)s failed") % {"text": text, "failed": run.failed_steps}
    return text


def moment(value: datetime | None) -> str:
    """Return a time as short as today allows, with the whole of it in the title."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value)
    today = timezone.localtime()
    if local.date() == today.date():
        short = date_format(local, "H:i:s")
    else:
        short = date_format(local, "j M H:i" if local.year == today.year else "j M Y")
    return _time_element(value, short)


def full_moment(value: datetime | None) -> str:
    """Return a time with its date."""
    if value is None:
        return NOTHING
    return _time_element(value, date_format(timezone.localtime(value), "j M Y, H:i:s"))


def _time_element(value: datetime, text: str) -> SafeString:
    local = timezone.localtime(value)
    title = f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000:03d} {local.tzname()}"
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), title, text)


def duration(begun: datetime | None, ended: datetime | None) -> str:
    """Return the time from `begun` to `ended`; while it has not ended a time that goes on."""
    if begun is None:
        return NOTHING
    if ended is not None:
        return in_words(ended - begun)
    # Seconds, not a moment: the clock of the one who looks may be wrong.
    length = timezone.now() - begun
    return format_html(
        '<span data-gorkflow-seconds="{}">{}</span>',
        f"{max(length.total_seconds(), 0.0):.1f}",
        in_words(length),
    )


def duration_figures(stats: RunStats | None) -> list[tuple[str, str]]:
    """Return how long completed runs took, as names and words; nothing of no runs."""
    if stats is None or stats.durations is None:
        return []
    figures = ((_("median"), stats.durations.p50), ("p95", stats.durations.p95))
    return [(name, in_words(timedelta(seconds=value))) for name, value in figures]


def in_words(length: timedelta) -> str:
    """Return a length of time in its two greatest units."""
    seconds = max(length.total_seconds(), 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
