"""The weather report: read, analyse in parallel, join, raise the alarm if need be, save."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, Field, field_validator

from demo_project.weather import analysis, report, storage
from demo_project.weather.analysis import Extremes, MonthlyClimate, Spells, Wind
from demo_project.weather.files import locate
from demo_project.weather.report import Basis, Report
from demo_project.weather.rows import WeatherFileError, WeatherRows
from demo_project.weather.rows import read_rows as read_file
from gorkflow import NonRetryableError, StepContext, WorkflowBuilder, register, step


class WeatherFile(BaseModel):
    """Which file to report on, and what counts as hot and as wet."""

    path: str = Field(
        max_length=1000,
        description="A file name in one of the data directories, or an absolute path inside one.",
        examples=["seattle-weather.csv"],
    )
    heat_wave_celsius: float = Field(
        default=30.0, ge=-50, le=60, description="A day is hot when its maximum reaches this."
    )
    heat_wave_days: int = Field(
        default=3, ge=1, le=60, description="So many hot days in a row are a heat wave."
    )
    wet_day_mm: float = Field(
        default=1.0, gt=0, le=100, description="A day is wet from this much rain on."
    )

    @field_validator("path")
    @classmethod
    def _may_be_read(cls, path: str) -> str:
        locate(path)
        return path


class SavedReport(BaseModel):
    """Which report it became, and what is in it."""

    report_id: int
    run_id: UUID
    days: int
    bad_rows: int
    heat_waves: int


@step(max_retries=2)
def read_rows(ctx: StepContext, file: WeatherFile) -> WeatherRows:
    """Read and check the rows; bad ones are reported with their line numbers."""
    try:
        # Located again: what a link points at may have changed since the run was started.
        rows = read_file(locate(file.path))
    except WeatherFileError as error:
        raise NonRetryableError(str(error)) from error
    ctx.logger.info("weather_rows_read", good=len(rows.days), bad=rows.bad_row_count)
    return rows


@step
def monthly_climate(ctx: StepContext, rows: WeatherRows) -> MonthlyClimate:
    file: WeatherFile = ctx.input
    return analysis.monthly_climate(rows.days, wet_day_mm=file.wet_day_mm)


@step
def extremes(ctx: StepContext, rows: WeatherRows) -> Extremes:
    file: WeatherFile = ctx.input
    return analysis.extremes(
        rows.days, hot_celsius=file.heat_wave_celsius, wave_days=file.heat_wave_days
    )


@step
def rain_and_dry_spells(ctx: StepContext, rows: WeatherRows) -> Spells:
    file: WeatherFile = ctx.input
    return analysis.rain_and_dry_spells(rows.days, wet_day_mm=file.wet_day_mm)


@step
def wind(rows: WeatherRows) -> Wind:
    return analysis.wind(rows.days)


@step
def write_report(ctx: StepContext, parts: tuple[MonthlyClimate, Extremes, Spells, Wind]) -> Report:
    """Join the four branches into one report."""
    file: WeatherFile = ctx.input
    rows = ctx.output(read_rows)
    basis = Basis(
        source=rows.source,
        hot_celsius=file.heat_wave_celsius,
        wave_days=file.heat_wave_days,
        wet_day_mm=file.wet_day_mm,
    )
    return report.join(rows, basis, parts)


def had_heat_wave(written: Report) -> bool:
    return bool(written.extremes.heat_waves)


@step
def heat_wave_alert(ctx: StepContext, written: Report) -> Report:
    """Put the alert on the report. Skipped without a heat wave: the report then passes through."""
    alert = report.alert_text(written.extremes.heat_waves, written.made_from)
    ctx.logger.warning("heat_wave_found", waves=len(written.extremes.heat_waves))
    return written.model_copy(update={"alert": alert})


@step(atomic=True)
def save(ctx: StepContext, written: Report) -> SavedReport:
    """Write the report's rows; they commit together with this step, or not at all."""
    row = storage.save_report(ctx.run_id, written)
    return SavedReport(
        report_id=row.pk,
        run_id=ctx.run_id,
        days=written.climate.day_count,
        bad_rows=written.bad_row_count,
        heat_waves=len(written.extremes.heat_waves),
    )


weather_report = register(
    WorkflowBuilder(
        "weather-report",
        name="Weather report",
        version="1",
        description="Reads a CSV of daily weather and saves a report with charts.",
    )
    .then(read_rows)
    .parallel(monthly_climate, extremes, rain_and_dry_spells, wind)
    .then(write_report)
    .then_if(heat_wave_alert, when=had_heat_wave)
    .then(save)
    .build()
)
