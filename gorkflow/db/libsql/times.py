"""Dates and times in plain SQL, on the texts that Django keeps them as.

Django teaches SQLite functions for these; a server cannot be taught any. Every text begins
"YYYY-MM-DD", or "HH:MM:SS" for a time, so its parts are found by their places. Fractions of a
second stand at the end and are cut off first: SQLite's own functions would round them up.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.db import NotSupportedError
from django.db.backends.utils import split_tzname_delta

FIRST_YEAR, LAST_YEAR = 1970, 2070
"""Changes of a zone's offset are known within these; beyond, the nearest one's is taken."""
MONDAY = "DATE({day}, '-6 days', 'weekday 1')"
THURSDAY = "DATE({day}, '-3 days', 'weekday 4')"
"""Of the week; the year it is in is the week's year by ISO 8601."""

_PARTS = {
    "year": "CAST(SUBSTR({day}, 1, 4) AS INTEGER)",
    "month": "CAST(SUBSTR({day}, 6, 2) AS INTEGER)",
    "day": "CAST(SUBSTR({day}, 9, 2) AS INTEGER)",
    "quarter": "(CAST(SUBSTR({day}, 6, 2) AS INTEGER) + 2) / 3",
    "week_day": "CAST(STRFTIME('%%w', {day}) AS INTEGER) + 1",
    "iso_week_day": "(CAST(STRFTIME('%%w', {day}) AS INTEGER) + 6) %% 7 + 1",
    "iso_year": f"CAST(STRFTIME('%%Y', {THURSDAY}) AS INTEGER)",
    "week": f"(CAST(STRFTIME('%%j', {THURSDAY}) AS INTEGER) + 6) / 7",
    "hour": "CAST(SUBSTR({clock}, 1, 2) AS INTEGER)",
    "minute": "CAST(SUBSTR({clock}, 4, 2) AS INTEGER)",
    "second": "CAST(SUBSTR({clock}, 7, 2) AS INTEGER)",
}
_DAYS = {
    "year": "SUBSTR({day}, 1, 4) || '-01-01'",
    "quarter": (
        "SUBSTR({day}, 1, 5)"
        " || PRINTF('%%02d', (CAST(SUBSTR({day}, 6, 2) AS INTEGER) - 1) / 3 * 3 + 1) || '-01'"
    ),
    "month": "SUBSTR({day}, 1, 7) || '-01'",
    "week": MONDAY,
    "day": "{day}",
}
_CLOCKS = {
    "hour": "SUBSTR({clock}, 1, 3) || '00:00'",
    "minute": "SUBSTR({clock}, 1, 6) || '00'",
    "second": "SUBSTR({clock}, 1, 8)",
}


def extract(lookup: str, sql: str, *, is_time: bool = False) -> str:
    """Return SQL for one part of a date, date and time, or time, as a number."""
    return "(" + _fill(_PARTS, lookup, sql, is_time=is_time) + ")"


def trunc_day(lookup: str, sql: str) -> str:
    """Return SQL for the first day of what a date, or date and time, is in."""
    return "(" + _fill(_DAYS, lookup, sql) + ")"


def trunc_time(lookup: str, sql: str) -> str:
    """Return SQL for a time, or that of a date and time, without its smaller parts."""
    clock = f"SUBSTR({sql}, INSTR({sql}, ' ') + 1)"
    return "(" + _fill(_CLOCKS, lookup, clock, is_time=True) + ")"


def trunc(lookup: str, sql: str) -> str:
    """Return SQL for a date and time without its smaller parts."""
    if lookup in _CLOCKS:
        return f"(SUBSTR({sql}, 1, 11) || {trunc_time(lookup, sql)})"
    return f"({trunc_day(lookup, sql)} || ' 00:00:00')"


def _fill(forms: dict[str, str], lookup: str, sql: str, *, is_time: bool = False) -> str:
    try:
        form = forms[lookup.lower()]
    except KeyError:
        raise ValueError(f"Unsupported lookup type: {lookup!r}") from None
    return form.format(day=f"SUBSTR({sql}, 1, 10)", clock=sql if is_time else f"SUBSTR({sql}, 12)")


def microseconds(sql: str) -> str:
    """Return SQL for the microseconds between 1970, or midnight in 2000, and a text."""
    fraction = f"SUBSTR(SUBSTR({sql}, INSTR({sql} || '.', '.') + 1) || '000000', 1, 6)"
    seconds = f"STRFTIME('%%s', SUBSTR({sql}, 1, INSTR({sql} || '.', '.') - 1))"
    return f"(CAST({seconds} AS INTEGER) * 1000000 + CAST({fraction} AS INTEGER))"


def moved(connector: str, left: str, right: str) -> str:
    """Return SQL for a date and time, as text, plus or minus a number of microseconds."""
    total = f"({_number(left)} {connector} {_number(right)})"
    rest = f"(({total} %% 1000000 + 1000000) %% 1000000)"
    whole = f"DATETIME(({total} - {rest}) / 1000000, 'unixepoch')"
    return f"({whole} || CASE {rest} WHEN 0 THEN '' ELSE PRINTF('.%%06d', {rest}) END)"


def _number(sql: str) -> str:
    return f"CASE TYPEOF({sql}) WHEN 'text' THEN {microseconds(sql)} ELSE {sql} END"


def in_zone(sql: str, tzname: str | None, stored: str) -> str:
    """Return SQL for a stored date and time as clocks in a time zone show it.

    Args:
        sql: the stored text.
        tzname: a zone's name, perhaps with a difference ("Europe/Berlin", "UTC+02:00"); None
            leaves the text as it is.
        stored: the zone of what is stored.

    Raises:
        NotSupportedError: times are not stored in UTC.

    """
    if tzname is None or tzname == stored:
        return sql
    if stored != "UTC":
        raise NotSupportedError(
            "on libSQL, a database with a TIME_ZONE other than UTC cannot"
            f" convert its times to {tzname}"
        )
    name, sign, difference = split_tzname_delta(tzname)
    text = f"SUBSTR({sql}, 1, 19)"
    if difference:
        hours, _, minutes = difference.partition(":")
        seconds = int(hours) * 3600 + int(minutes or 0) * 60
        text = f"DATETIME({text}, '{sign}{seconds} seconds')"
    offset = _offset_sql(name, text)
    if offset:
        text = f"DATETIME({text}, {offset})"
    return f"({text} || SUBSTR({sql}, 20))"


def _offset_sql(name: str, text: str) -> str:
    (first, *later) = _offsets(name)
    if not later:
        return f"'{first[1]:+d} seconds'" if first[1] else ""
    starts = "".join(f" WHEN {text} >= '{at}' THEN {offset}" for at, offset in reversed(later))
    return f"(CASE{starts} ELSE {first[1]} END) || ' seconds'"


@lru_cache(maxsize=64)
def _offsets(name: str) -> tuple[tuple[str, int], ...]:
    """Return a zone's seconds east of UTC, each with the time in UTC from which it holds."""
    zone, hour = ZoneInfo(name), timedelta(hours=1)
    moment = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    found = [("", _offset(zone, moment))]
    while moment.year < LAST_YEAR:
        following = moment + timedelta(days=7)
        if _offset(zone, following) != found[-1][1]:
            while _offset(zone, moment) == found[-1][1]:
                moment += hour / 4
            found.append((f"{moment:%Y-%m-%d %H:%M:%S}", _offset(zone, moment)))
        else:
            moment = following
    return tuple(found)


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    difference = moment.astimezone(zone).utcoffset()
    return 0 if difference is None else round(difference.total_seconds())
