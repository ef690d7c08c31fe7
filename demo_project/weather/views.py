"""The reports' pages: read only, for everybody, without JavaScript."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from demo_project.weather.files import available
from demo_project.weather.models import Spell, WeatherReport
from demo_project.weather.pictures import rain_chart, spell_chart, temperature_chart, wind_chart

PER_PAGE = 25


def report_list(request: HttpRequest) -> HttpResponse:
    page = Paginator(WeatherReport.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "weather/report_list.html",
        {"section": "reports", "page_obj": page, "files": available()},
    )


def report_detail(request: HttpRequest, pk: int) -> HttpResponse:
    report = get_object_or_404(WeatherReport, pk=pk)
    months = list(report.months.all())
    spells = list(report.spells.all())
    wind_days = list(report.wind_days.all())
    bad_rows = list(report.bad_rows.all())
    context = {
        "section": "reports",
        "report": report,
        "paragraphs": report.summary.splitlines(),
        "extremes": report.extremes.all(),
        "months": months,
        "heat_waves": [spell for spell in spells if spell.kind == Spell.Kind.HEAT],
        "rain_spells": [spell for spell in spells if spell.kind != Spell.Kind.HEAT],
        "wind_days": wind_days,
        "bad_rows": bad_rows,
        "bad_rows_untold": report.bad_row_count - len(bad_rows),
        "temperature_chart": temperature_chart(months),
        "rain_chart": rain_chart(months),
        "spell_chart": spell_chart(spells),
        "wind_chart": wind_chart(wind_days),
    }
    return render(request, "weather/report_detail.html", context)
