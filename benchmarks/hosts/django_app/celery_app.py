"""The project's Celery app, and the task of a worker that knows no workflows."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.hosts.django_app.settings")

app = Celery("gorkflow-benchmarks")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.set_default()


@app.task(name="benchmarks.touch")
def touch(path: str, text: str) -> None:
    """Use the database once, and say so."""
    from django.db import connection  # noqa: PLC0415  after Django is set up

    from benchmarks.doorbell import ring  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    ring(path, text)
