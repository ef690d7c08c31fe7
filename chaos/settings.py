"""Settings of the chaos run's host project: what the README recommends, and short leases."""

from __future__ import annotations

import os

import dj_database_url

from chaos.transport import register

register()

SECRET_KEY = "only for the chaos run"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "gorkflow",
    "chaos",
]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}

CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

GORKFLOW = {
    "LEASE": 4.0,
    "HEARTBEAT": 1.0,
    "SWEEP_INTERVAL": 1.0,
    "RESEND_AFTER": 3.0,
    "TIME_BUDGET": 5.0,
    # Bad luck may hit one step often; that a step which kills its workers is given up has its own
    # tests.
    "MAX_CRASHES": 1000,
}
