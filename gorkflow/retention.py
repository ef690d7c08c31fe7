"""How long ended runs are kept: what a host may write for it, and what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from gorkflow.statuses import TERMINAL_RUNS, RunStatus

DEFAULT = "default"
LONGEST = timedelta(days=36_525)
"""A hundred years: databases can go back so far."""
NAMES = (*map(str, TERMINAL_RUNS), DEFAULT)
UNITS = {"h": "hours", "d": "days", "w": "weeks"}
"""Minutes are left out: some would take `6m` for half a year."""


def read_ages(value: Any) -> dict[RunStatus, timedelta]:
    """Return the age at which runs that ended so may be deleted; others are kept for ever.

    Args:
        value: one age for all, or a mapping of statuses to ages, "default" for those that are not
            named. An age is a number of days, a text such as "36h", "30d" or "4w", a timedelta,
            or None to keep the runs.

    Raises:
        PydanticCustomError: a status is unknown, or an age is none.

    """
    written = value if isinstance(value, Mapping) else {DEFAULT: value}
    for name in written:
        if name not in NAMES:
            raise _wrong(f"{name!r:.40} is none of {', '.join(NAMES)}")
    ages = {str(name): _read_age(str(name), age) for name, age in written.items()}
    found = {status: ages.get(status, ages.get(DEFAULT)) for status in TERMINAL_RUNS}
    return {status: age for status, age in found.items() if age is not None}


def _read_age(name: str, value: Any) -> timedelta | None:
    if value is None:
        return None
    try:
        age = _as_timedelta(value)
    except (ValueError, OverflowError):
        age = None
    if age is None or not timedelta(0) < age <= LONGEST:
        raise _wrong(
            f"{value!r:.40} for {name} is no age: write a number of days, a text as '36h', '30d' or"
            f" '4w', a timedelta, or None to keep them; above 0, at most {LONGEST.days} days"
        )
    return age


def _as_timedelta(value: Any) -> timedelta | None:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(days=value)
    written = re.fullmatch(
        r"([0-9]+(?:\.[0-9]+)?) ?([hdw])", value if isinstance(value, str) else ""
    )
    return timedelta(**{UNITS[written[2]]: float(written[1])}) if written else None


def _wrong(message: str) -> PydanticCustomError:
    # The text may have braces of its own.
    return PydanticCustomError("bad_retention", "{message}", {"message": message})


Retention = Annotated[Mapping[RunStatus, timedelta], BeforeValidator(read_ages)]
"""Ages by status, read from any of the forms of `read_ages`."""
