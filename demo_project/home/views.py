"""The start page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from demo_project.home.runs import latest_runs
from demo_project.orders.models import Order
from demo_project.weather.models import WeatherReport

RUNS_SHOWN = 8


def home(request: HttpRequest) -> HttpResponse:
    runs = latest_runs(RUNS_SHOWN)
    context = {
        "runs": runs,
        "active": sum(not run.status.is_terminal for run in runs),
        "report_count": WeatherReport.objects.count(),
        "latest_report": WeatherReport.objects.first(),
        "order_count": Order.objects.count(),
    }
    return render(request, "home.html", context)
