"""The four charts of a report, each with the words that stand in for it."""

from __future__ import annotations

from collections.abc import Sequence

from demo_project.weather.charts import Chart, Range, Row, column_chart, row_chart
from demo_project.weather.models import MonthClimate, Spell, WindDays
from demo_project.weather.report import counted, number, span


def temperature_chart(months: Sequence[MonthClimate]) -> Chart:
    warm = max(months, key=lambda month: month.mean_max)
    cold = min(months, key=lambda month: month.mean_min)
    return column_chart(
        "temperature",
        title="Temperature by month, °C",
        description=(
            "A wide bar from the mean night to the mean day, a thin one from the coldest night to "
            f"the hottest day. {warm.name} is warmest with days of {number(warm.mean_max)} °C, "
            f"{cold.name} coldest with nights of {number(cold.mean_min)} °C."
        ),
        kind="warm",
        ranges=[_temperature_of(month) for month in months],
    )


def _temperature_of(month: MonthClimate) -> Range:
    mean = f"{number(month.mean_min)} to {number(month.mean_max)} °C on average"
    most = f"{number(month.record_min)} to {number(month.record_max)} °C at most"
    return Range(
        name=month.short_name,
        low=month.mean_min,
        high=month.mean_max,
        least=month.record_min,
        most=month.record_max,
        title=f"{month.name}: {mean}, {most}",
    )


def rain_chart(months: Sequence[MonthClimate]) -> Chart:
    wettest = max(months, key=lambda month: month.mean_total_mm)
    driest = min(months, key=lambda month: month.mean_total_mm)
    return column_chart(
        "rain",
        title="Rain and snow by month, mm",
        description=(
            "One bar for each month. "
            f"{wettest.name} is wettest with {number(wettest.mean_total_mm)} mm, "
            f"{driest.name} driest with {number(driest.mean_total_mm)} mm."
        ),
        kind="wet",
        ranges=[_rain_of(month) for month in months],
    )


def _rain_of(month: MonthClimate) -> Range:
    wet = f"wet on {month.wet_days_share:.0%} of the days"
    title = f"{month.name}: {number(month.mean_total_mm)} mm, {wet}"
    return Range(name=month.short_name, low=0, high=month.mean_total_mm, title=title)


def wind_chart(forces: Sequence[WindDays]) -> Chart:
    usual = max(forces, key=lambda force: force.days)
    return row_chart(
        "wind",
        title="Days by wind force (Beaufort)",
        description=f"One bar for each force. Most days, {usual.days:,}, had a {usual.name}.",
        rows=[
            Row(
                name=f"{force.force} {force.name}",
                value=force.days,
                text=f"{force.days:,}",
                kind="breeze",
            )
            for force in forces
        ],
    )


def spell_chart(spells: Sequence[Spell]) -> Chart:
    shown = [spell for spell in spells if spell.kind != Spell.Kind.HEAT]
    return row_chart(
        "spells",
        title="The longest wet and dry spells, days",
        description="One bar for each spell: " + "; ".join(_in_words(spell) for spell in shown),
        rows=[
            Row(
                name=f"{spell.first_day:%b %Y}, {spell.kind}",
                value=spell.days,
                text=counted(spell.days, "day"),
                kind=f"spell-{spell.kind}",
            )
            for spell in shown
        ],
    )


def _in_words(spell: Spell) -> str:
    return f"{spell.kind}, {counted(spell.days, 'day')}, {span(spell.first_day, spell.last_day)}"
