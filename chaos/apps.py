"""The Django app of the chaos run."""

from __future__ import annotations

from django.apps import AppConfig

from chaos.celery_app import app

__all__ = ["ChaosConfig", "app"]


class ChaosConfig(AppConfig):
    """Workflows under fire, and what their atomic steps write."""

    name = "chaos"
    default_auto_field = "django.db.models.BigAutoField"
