"""What the days say: climate by month, extremes, spells, wind. Pure functions over days.

Days are ordered by date and may have gaps; a gap ends a spell.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from pydantic import BaseModel

from demo_project.weather.rows import Day

ONE_DAY = dt.timedelta(days=1)
SPELLS_KEPT = 5


class Month(BaseModel):
    """One month of the year, over all years of the file."""

    month: int
    """1 to 12."""
    days: int
    mean_max: float
    mean_min: float
    record_max: float
    record_min: float
    mean_total_mm: float
    """Mean of the months' totals."""
    wet_days_share: float
    """0.0 to 1.0."""


class MonthlyClimate(BaseModel):
    first_day: dt.date
    last_day: dt.date
    day_count: int
    missing_days: int
    """Days between the first and the last that the file lacks."""
    months: list[Month]


class Record(BaseModel):
    """The most extreme day of its kind; of equal ones the earliest."""

    kind: str
    date: dt.date
    value: float
    unit: str


class Spell(BaseModel):
    """Days in a row."""

    first_day: dt.date
    last_day: dt.date
    days: int
    peak: float
    """Highest temperature of a heat wave; rain in mm of a wet or dry spell."""


class Extremes(BaseModel):
    records: list[Record]
    heat_waves: list[Spell]
    hot_days: int


class Spells(BaseModel):
    wet_days: int
    total_mm: float
    longest_wet: list[Spell]
    longest_dry: list[Spell]


class WindForce(BaseModel):
    force: int
    """Beaufort, 0 to 12."""
    name: str
    days: int


class Wind(BaseModel):
    mean: float
    windiest: Record
    forces: list[WindForce]
    """Without gaps, from the calmest to the strongest seen."""


BEAUFORT: Sequence[tuple[float, str]] = (
    (0.5, "calm"),
    (1.6, "light air"),
    (3.4, "light breeze"),
    (5.5, "gentle breeze"),
    (8.0, "moderate breeze"),
    (10.8, "fresh breeze"),
    (13.9, "strong breeze"),
    (17.2, "near gale"),
    (20.8, "gale"),
    (24.5, "strong gale"),
    (28.5, "storm"),
    (32.7, "violent storm"),
    (float("inf"), "hurricane"),
)
"""Speed in m/s below which each force ends, and its name."""


def monthly_climate(days: Sequence[Day], *, wet_day_mm: float) -> MonthlyClimate:
    """Describe each month of the year that the file has days of."""
    by_month: dict[int, list[Day]] = defaultdict(list)
    for day in days:
        by_month[day.date.month].append(day)
    first, last = days[0].date, days[-1].date
    return MonthlyClimate(
        first_day=first,
        last_day=last,
        day_count=len(days),
        missing_days=(last - first).days + 1 - len(days),
        months=[_month(number, by_month[number], wet_day_mm) for number in sorted(by_month)],
    )


def _month(number: int, days: Sequence[Day], wet_day_mm: float) -> Month:
    totals: dict[int, float] = defaultdict(float)
    for day in days:
        totals[day.date.year] += day.precipitation
    return Month(
        month=number,
        days=len(days),
        mean_max=_rounded(fmean(day.temp_max for day in days)),
        mean_min=_rounded(fmean(day.temp_min for day in days)),
        record_max=max(day.temp_max for day in days),
        record_min=min(day.temp_min for day in days),
        mean_total_mm=_rounded(fmean(totals.values())),
        wet_days_share=_rounded(fmean(day.precipitation >= wet_day_mm for day in days), 3),
    )


def extremes(days: Sequence[Day], *, hot_celsius: float, wave_days: int) -> Extremes:
    """Find the record days, and the heat waves: `wave_days` or more hot days in a row.

    A day is hot when its maximum reaches `hot_celsius`.
    """
    waves = [
        _spell(run, max(day.temp_max for day in run))
        for run in runs(days, lambda day: day.temp_max >= hot_celsius)
        if len(run) >= wave_days
    ]
    return Extremes(
        records=[
            _record("Hottest day", days, lambda day: day.temp_max, "°C"),
            _record("Coldest night", days, lambda day: day.temp_min, "°C", pick=min),
            _record("Wettest day", days, lambda day: day.precipitation, "mm"),
            _record("Widest swing in a day", days, lambda day: day.temp_max - day.temp_min, "°C"),
        ],
        heat_waves=waves,
        hot_days=sum(day.temp_max >= hot_celsius for day in days),
    )


def rain_and_dry_spells(days: Sequence[Day], *, wet_day_mm: float) -> Spells:
    """Find the longest wet and dry spells; a day is wet from `wet_day_mm` on."""
    wet = runs(days, lambda day: day.precipitation >= wet_day_mm)
    dry = runs(days, lambda day: day.precipitation < wet_day_mm)
    return Spells(
        wet_days=sum(len(run) for run in wet),
        total_mm=_rounded(sum(day.precipitation for day in days)),
        longest_wet=_longest(wet),
        longest_dry=_longest(dry),
    )


def wind(days: Sequence[Day]) -> Wind:
    """Count the days by wind force."""
    counts = Counter(beaufort(day.wind) for day in days)
    return Wind(
        mean=_rounded(fmean(day.wind for day in days)),
        windiest=_record("Windiest day", days, lambda day: day.wind, "m/s"),
        forces=[
            WindForce(force=force, name=BEAUFORT[force][1], days=counts[force])
            for force in range(min(counts), max(counts) + 1)
        ],
    )


def beaufort(speed: float) -> int:
    """Return the Beaufort number of a speed in m/s."""
    return next(force for force, (limit, _) in enumerate(BEAUFORT) if speed < limit)


def runs(days: Iterable[Day], belongs: Callable[[Day], bool]) -> list[list[Day]]:
    """Return the unbroken runs of calendar days that belong, in order."""
    found: list[list[Day]] = []
    for day in days:
        if not belongs(day):
            continue
        if found and day.date - found[-1][-1].date == ONE_DAY:
            found[-1].append(day)
        else:
            found.append([day])
    return found


def _longest(spells: Sequence[Sequence[Day]]) -> list[Spell]:
    # Sorting is stable: of equally long ones the earlier stays first.
    longest = sorted(spells, key=len, reverse=True)[:SPELLS_KEPT]
    return [_spell(run, _rounded(sum(day.precipitation for day in run))) for run in longest]


def _spell(run: Sequence[Day], peak: float) -> Spell:
    return Spell(first_day=run[0].date, last_day=run[-1].date, days=len(run), peak=peak)


def _record(
    kind: str,
    days: Sequence[Day],
    value: Callable[[Day], float],
    unit: str,
    pick: Callable[..., Day] = max,
) -> Record:
    day = pick(days, key=value)
    return Record(kind=kind, date=day.date, value=_rounded(value(day)), unit=unit)


def _rounded(value: float, digits: int = 1) -> float:
    return round(value, digits)
