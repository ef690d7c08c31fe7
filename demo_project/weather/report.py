"""The joined report, and the words that go with its numbers. Pure."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence

from pydantic import BaseModel

from demo_project.weather.analysis import Extremes, MonthlyClimate, Spell, Spells, Wind
from demo_project.weather.rows import BadRow, WeatherRows


class Basis(BaseModel):
    """What was read and which limits were used."""

    source: str
    hot_celsius: float
    wave_days: int
    wet_day_mm: float


class Report(BaseModel):
    """Everything the report's page shows."""

    made_from: Basis
    bad_rows: list[BadRow]
    bad_row_count: int
    climate: MonthlyClimate
    extremes: Extremes
    spells: Spells
    wind: Wind
    sentences: list[str]
    alert: str = ""
    """Empty if there was no heat wave."""


def join(
    rows: WeatherRows,
    made_from: Basis,
    parts: tuple[MonthlyClimate, Extremes, Spells, Wind],
) -> Report:
    """Put the four analyses together and say in words what they found."""
    climate, extremes, spells, wind = parts
    return Report(
        made_from=made_from,
        bad_rows=rows.bad_rows,
        bad_row_count=rows.bad_row_count,
        climate=climate,
        extremes=extremes,
        spells=spells,
        wind=wind,
        sentences=[
            _coverage(climate, rows.bad_row_count),
            _temperatures(climate, extremes),
            _rain(climate, spells),
            _wind(wind),
        ],
    )


def alert_text(waves: Sequence[Spell], made_from: Basis) -> str:
    """Say how many heat waves there were and which was the worst."""
    worst = max(waves, key=lambda wave: (wave.days, wave.peak))
    many = "There was one heat wave" if len(waves) == 1 else f"There were {len(waves)} heat waves"
    return (
        f"{many} of {counted(made_from.wave_days, 'day')} or more at "
        f"{number(made_from.hot_celsius)} °C and above. "
        f"The longest lasted {counted(worst.days, 'day')}, "
        f"{span(worst.first_day, worst.last_day)}, and reached {number(worst.peak)} °C."
    )


def day_text(day: dt.date) -> str:
    """Write a day as `5 July 2015`, whatever the platform's locale."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def span(first: dt.date, last: dt.date) -> str:
    """Write a span of days without saying month or year twice."""
    if first == last:
        return day_text(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day_text(last)}"
    if first.year == last.year:
        return f"{first.day} {calendar.month_name[first.month]} to {day_text(last)}"
    return f"{day_text(first)} to {day_text(last)}"


def number(value: float) -> str:
    """Write `12`, `12.5`, `4,426.1`, and a minus that is as long as a plus."""
    return f"{round(value, 1):,}".removesuffix(".0").replace("-", "\N{MINUS SIGN}")


def counted(count: int, noun: str) -> str:
    """Write `1 day`, `2 days`, `1,461 days`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _coverage(climate: MonthlyClimate, bad_row_count: int) -> str:
    text = f"{counted(climate.day_count, 'day')}, {span(climate.first_day, climate.last_day)}"
    if climate.missing_days:
        text += f"; {counted(climate.missing_days, 'day')} in between missing"
    if bad_row_count:
        text += f"; {counted(bad_row_count, 'row')} of the file left out"
    return f"{text}."


def _temperatures(climate: MonthlyClimate, extremes: Extremes) -> str:
    warm = max(climate.months, key=lambda month: month.mean_max)
    cold = min(climate.months, key=lambda month: month.mean_min)
    hottest, coldest = extremes.records[0], extremes.records[1]
    by_month = (
        f"{calendar.month_name[warm.month]} has the warmest days "
        f"({number(warm.mean_max)} °C on average) and {calendar.month_name[cold.month]} "
        f"the coldest nights ({number(cold.mean_min)} °C). "
    )
    if len(climate.months) == 1:
        by_month = ""
    return (
        f"{by_month}The extremes were {number(hottest.value)} °C on {day_text(hottest.date)} "
        f"and {number(coldest.value)} °C on {day_text(coldest.date)}."
    )


def _rain(climate: MonthlyClimate, spells: Spells) -> str:
    share = spells.wet_days / climate.day_count
    text = (
        f"It rained or snowed on {counted(spells.wet_days, 'day')} ({share:.0%}), "
        f"{number(spells.total_mm)} mm in all."
    )
    if spells.longest_dry:
        dry = spells.longest_dry[0]
        text += (
            f" The longest dry spell was {counted(dry.days, 'day')}, "
            f"{span(dry.first_day, dry.last_day)}."
        )
    if spells.longest_wet:
        wet = spells.longest_wet[0]
        length = counted(wet.days, "day")
        text += f" The longest wet spell was {length} and brought {number(wet.peak)} mm."
    return text


def _wind(wind: Wind) -> str:
    usual = max(wind.forces, key=lambda force: force.days)
    windiest = wind.windiest
    return (
        f"The wind averaged {number(wind.mean)} m/s, most often a {usual.name}; "
        f"{day_text(windiest.date)} was the windiest day with {number(windiest.value)} m/s."
    )
