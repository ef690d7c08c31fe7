"""The demo's home app."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "demo_project.home"
    default_auto_field = "django.db.models.BigAutoField"
