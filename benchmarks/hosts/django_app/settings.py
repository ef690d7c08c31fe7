"""Settings as the README recommends them; DATABASE_URL and CELERY_BROKER_URL are given."""

from __future__ import annotations

import logging
import os
import sys

import dj_database_url

from benchmarks.sqlite import PRAGMAS

SECRET_KEY = "only for benchmarks"
TIME_ZONE = "UTC"
USE_TZ = True

DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "; ".join(PRAGMAS),
    }

BARE = os.environ.get("GORKFLOW_BENCH_BARE") == "1"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
if not BARE:
    INSTALLED_APPS += [
        "gorkflow",
        "rest_framework",
        "django_filters",
        "drf_spectacular",
        "benchmarks.hosts.django_app",
    ]

CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = os.environ["GORKFLOW_BENCH_QUEUE"]
CELERY_TASK_IGNORE_RESULT = True

# A quick run must not wait half a minute for a lease; the full one keeps the defaults.
GORKFLOW = (
    {"LEASE": 3.0, "HEARTBEAT": 1.0, "SWEEP_INTERVAL": 1.0}
    if os.environ.get("GORKFLOW_BENCH_QUICK") == "1"
    else {}
)

if not BARE:
    # The demo and DBOS bring it along, and structlog takes it where it is: 3 MB in each of our
    # workers, which a plain installation does not have.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    import structlog

    # As in production: nobody reads a line per step.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        cache_logger_on_first_use=True,
    )
