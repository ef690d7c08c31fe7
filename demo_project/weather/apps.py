"""The demo's weather app."""

from django.apps import AppConfig


class WeatherConfig(AppConfig):
    name = "demo_project.weather"
    default_auto_field = "django.db.models.BigAutoField"
