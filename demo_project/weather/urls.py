"""`/reports/`."""

from django.urls import path

from demo_project.weather.views import report_detail, report_list

app_name = "weather"
urlpatterns = [
    path("", report_list, name="reports"),
    path("<int:pk>/", report_detail, name="report"),
]
