"""What the drivers of Django hosts share. Importing it sets Django up."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version

import django
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.hosts.django_app.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from benchmarks.hosts.django_app.celery_app import app  # noqa: E402
from benchmarks.sqlite import SETTINGS  # noqa: E402

APP = "benchmarks.hosts.django_app.celery_app"
QUEUE = os.environ["GORKFLOW_BENCH_QUEUE"]
__all__ = ["APP", "QUEUE", "app", "database_settings", "migrate", "versions"]


def migrate() -> None:
    """Make the tables."""
    call_command("migrate", verbosity=0)


def versions(*packages: str) -> str:
    """Return the versions of Python and of some packages."""
    found = [f"{each} {version(each)}" for each in packages]
    return ", ".join([f"Python {platform.python_version()}", *found])


def database_settings() -> str:
    """Return what decides about the durability of a commit."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings"
                " WHERE name IN ('fsync', 'synchronous_commit', 'server_version')"
            )
            return f"PostgreSQL {cursor.fetchone()[0]}, CONN_MAX_AGE={_max_age()}"
        found = [f"{name}={cursor.execute(f'PRAGMA {name}').fetchone()[0]}" for name in SETTINGS]
        return f"SQLite {' '.join(found)}"


def _max_age() -> object:
    return settings.DATABASES["default"].get("CONN_MAX_AGE", 0)
