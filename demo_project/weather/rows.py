"""Read a weather CSV: valid days on one side, bad rows with line number and reason on the other."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)

COLUMNS = ("date", "precipitation", "temp_max", "temp_min", "wind", "weather")
MAX_BYTES = 5_000_000
MAX_ROWS = 50_000
"""About 137 years of days: what fits into one step's output."""
MAX_BAD_ROWS_KEPT = 200
"""Bad rows kept in detail; the rest is counted."""
MAX_TEXT_KEPT = 160


class WeatherFileError(ValueError):
    """The file as a whole cannot be used; the message says why, for people."""


class Day(NamedTuple):
    """One valid day. A tuple is a short JSON array, so years of days stay a small payload."""

    date: dt.date
    precipitation: float
    """mm"""
    temp_max: float
    """Degrees Celsius."""
    temp_min: float
    """Degrees Celsius."""
    wind: float
    """m/s"""
    weather: str


class BadRow(BaseModel):
    """A row that was left out."""

    line: int
    """Counted from 1, as editors do; the header is line 1."""
    reason: str
    text: str
    """The row as it stands in the file, cut to a readable length."""


class WeatherRows(BaseModel):
    """What reading a file gave."""

    source: str
    days: list[Day]
    """Ordered by date, no date twice."""
    bad_rows: list[BadRow] = []
    """The first ones in detail."""
    bad_row_count: int = 0


def _parse_date(value: object, _info: ValidationInfo) -> dt.date:
    try:
        return dt.datetime.strptime(str(value).strip().replace("/", "-"), "%Y-%m-%d").date()  # noqa: DTZ007  a day has no time zone
    except ValueError:
        msg = "should be a day such as 2012/01/31 or 2012-01-31"
        raise ValueError(msg) from None


class _CsvRow(BaseModel):
    """One line's cells. The limits are wider than any weather, and catch shifted columns."""

    model_config = ConfigDict(str_strip_whitespace=True)

    date: Annotated[dt.date, BeforeValidator(_parse_date)]
    precipitation: float = Field(ge=0, le=2000, allow_inf_nan=False)
    temp_max: float = Field(ge=-100, le=70, allow_inf_nan=False)
    temp_min: float = Field(ge=-100, le=70, allow_inf_nan=False)
    wind: float = Field(ge=0, le=150, allow_inf_nan=False)
    weather: str = Field(min_length=1, max_length=40)

    @model_validator(mode="after")
    def _night_is_colder(self) -> Self:
        if self.temp_min > self.temp_max:
            msg = f"temp_min {self.temp_min:g} is above temp_max {self.temp_max:g}"
            raise ValueError(msg)
        return self


def read_rows(path: Path) -> WeatherRows:
    """Read one CSV file.

    Raises:
        WeatherFileError: there is no such file, it is empty, too large, has another header, or
            not one good row.

    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            msg = f"{path.name} has {size:,} bytes; at most {MAX_BYTES:,} are read"
            raise WeatherFileError(msg)
        content = path.read_bytes()
    except FileNotFoundError:
        msg = f"there is no file {path.name}"
        raise WeatherFileError(msg) from None
    except OSError as error:
        msg = f"{path.name} cannot be read: {error.strerror}"
        raise WeatherFileError(msg) from error
    return parse(content, source=path.name)


def parse(content: bytes, *, source: str) -> WeatherRows:
    """Turn a CSV file's bytes into days and bad rows; raises as `read_rows` does."""
    lines = content.removeprefix(b"\xef\xbb\xbf").splitlines()
    order = _read_header(lines, source)
    days: dict[dt.date, Day] = {}
    first_seen: dict[dt.date, int] = {}
    bad_rows: list[BadRow] = []
    for number, raw in _numbered_rows(lines, source):
        try:
            day = _read_day(raw, order)
            if day.date in days:
                msg = f"{day.date} was already on line {first_seen[day.date]}"
                raise ValueError(msg)
        except ValueError as error:
            bad_rows.append(BadRow(line=number, reason=_reason(error), text=_shown(raw)))
        else:
            days[day.date], first_seen[day.date] = day, number
    _require_days(days, bad_rows, source)
    return WeatherRows(
        source=source,
        days=[days[date] for date in sorted(days)],
        bad_rows=bad_rows[:MAX_BAD_ROWS_KEPT],
        bad_row_count=len(bad_rows),
    )


def _read_header(lines: Sequence[bytes], source: str) -> list[int]:
    """Return where each of COLUMNS stands; columns may come in any order, others are ignored."""
    if not any(line.strip() for line in lines):
        msg = f"{source} is empty"
        raise WeatherFileError(msg)
    try:
        names = [name.strip().lower() for name in _cells(lines[0])]
    except ValueError as error:
        msg = f"{source} does not begin with a CSV header: {error}"
        raise WeatherFileError(msg) from None
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        msg = (
            f"the header of {source} lacks {', '.join(missing)}; "
            f"the first line should be: {','.join(COLUMNS)}"
        )
        raise WeatherFileError(msg)
    return [names.index(name) for name in COLUMNS]


def _numbered_rows(lines: Sequence[bytes], source: str) -> Iterator[tuple[int, bytes]]:
    if len(lines) > MAX_ROWS + 1:
        msg = f"{source} has {len(lines) - 1:,} rows; at most {MAX_ROWS:,} are read"
        raise WeatherFileError(msg)
    return ((n, line) for n, line in enumerate(lines[1:], start=2) if line.strip())


def _read_day(raw: bytes, order: Sequence[int]) -> Day:
    cells = _cells(raw)
    if len(cells) <= max(order):
        msg = f"has {len(cells)} columns, not {max(order) + 1}"
        raise ValueError(msg)
    row = _CsvRow.model_validate(dict(zip(COLUMNS, (cells[i] for i in order), strict=True)))
    return Day(**row.model_dump())


def _cells(raw: bytes) -> list[str]:
    """Split one line. Line by line, so that a stray quote cannot swallow the rest of the file."""
    try:
        return next(csv.reader([raw.decode()]))
    except UnicodeDecodeError:
        msg = "is not UTF-8 text"
        raise ValueError(msg) from None
    except csv.Error as error:
        raise ValueError(str(error)) from None


def _reason(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    parts = []
    for problem in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        got = f" (got {str(problem['input'])[:40]!r})" if where else ""
        parts.append(f"{where}: {message}{got}" if where else message)
    return "; ".join(parts)


def _shown(raw: bytes) -> str:
    text = raw.decode(errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= MAX_TEXT_KEPT else f"{text[: MAX_TEXT_KEPT - 1]}…"


def _require_days(days: dict[dt.date, Day], bad_rows: list[BadRow], source: str) -> None:
    if days:
        return
    msg = f"{source} has a header but no rows"
    if bad_rows:
        first = bad_rows[0]
        msg = f"{source} has no good row; line {first.line}: {first.reason}"
    raise WeatherFileError(msg)
