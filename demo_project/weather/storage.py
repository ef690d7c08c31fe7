"""Write a finished report into the demo's tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from demo_project.weather import analysis
from demo_project.weather.models import (
    BadRow,
    ExtremeDay,
    MonthClimate,
    Spell,
    WeatherReport,
    WindDays,
)
from demo_project.weather.report import Report


def save_report(run_id: UUID, written: Report) -> WeatherReport:
    """Store the report; the caller gives the transaction."""
    row = WeatherReport.objects.create(
        run_id=run_id,
        source=written.made_from.source,
        first_day=written.climate.first_day,
        last_day=written.climate.last_day,
        day_count=written.climate.day_count,
        missing_days=written.climate.missing_days,
        bad_row_count=written.bad_row_count,
        hot_celsius=written.made_from.hot_celsius,
        wave_days=written.made_from.wave_days,
        wet_day_mm=written.made_from.wet_day_mm,
        hot_days=written.extremes.hot_days,
        wet_days=written.spells.wet_days,
        total_mm=written.spells.total_mm,
        mean_wind=written.wind.mean,
        summary="\n".join(written.sentences),
        alert=written.alert,
    )
    _save_details(row, written)
    return row


def _save_details(row: WeatherReport, written: Report) -> None:
    MonthClimate.objects.bulk_create(
        MonthClimate(report=row, **month.model_dump()) for month in written.climate.months
    )
    ExtremeDay.objects.bulk_create(
        ExtremeDay(report=row, **record.model_dump())
        for record in (*written.extremes.records, written.wind.windiest)
    )
    Spell.objects.bulk_create(_spells(row, written))
    WindDays.objects.bulk_create(
        WindDays(report=row, **force.model_dump()) for force in written.wind.forces
    )
    BadRow.objects.bulk_create(BadRow(report=row, **bad.model_dump()) for bad in written.bad_rows)


def _spells(row: WeatherReport, written: Report) -> Iterator[Spell]:
    kinds: tuple[tuple[Spell.Kind, Iterable[analysis.Spell]], ...] = (
        (Spell.Kind.HEAT, written.extremes.heat_waves),
        (Spell.Kind.WET, written.spells.longest_wet),
        (Spell.Kind.DRY, written.spells.longest_dry),
    )
    for kind, spells in kinds:
        yield from (Spell(report=row, kind=kind, **spell.model_dump()) for spell in spells)
