"""Settings of the demo project. Everything has a default that needs no server.

| Variable | Default | Meaning |
| --- | --- | --- |
| DATABASE_URL | SQLite, var/demo.sqlite3 | as dj-database-url reads it, or libsql://... |
| CELERY_BROKER_URL | one file, var/broker.sqlite3 | any Celery broker |
| DJANGO_DEBUG | 1 | 0 asks for a secret key |
| DJANGO_SECRET_KEY | a public one | needed when DJANGO_DEBUG=0 |
| DJANGO_ALLOWED_HOSTS | 127.0.0.1,localhost | separated by commas |
| DJANGO_LOG_LEVEL | INFO | |
| WEATHER_DATA_DIRS | the demo's data, var/uploads | where weather files are read from |
| DEMO_VAR_DIR | var | databases, logs, uploads |
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from demo_project.logs import logging_dict

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("DEMO_VAR_DIR") or BASE_DIR / "var").absolute()
# The two SQLite files and the uploads need their directories before anything else can run.
(VAR_DIR / "uploads").mkdir(parents=True, exist_ok=True)

DEBUG = os.environ.get("DJANGO_DEBUG", "1").lower() in {"1", "true", "yes", "on"}
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or ("demo-only, known to all" if DEBUG else "")
if not SECRET_KEY:
    msg = "DJANGO_SECRET_KEY is needed when DJANGO_DEBUG is off"
    raise ImproperlyConfigured(msg)
ALLOWED_HOSTS = os.environ.get("DJANGO_ALLOWED_HOSTS", "127.0.0.1,localhost").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "gorkflow",
    "demo_project.home",
    "demo_project.weather",
    "demo_project.orders",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "demo_project.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "demo_project.urls"
WSGI_APPLICATION = "demo_project.wsgi.application"
ASGI_APPLICATION = "demo_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def database(url: str) -> dict[str, Any]:
    """Read a database URL; SQLite gets what several processes writing one file need."""
    if url.startswith("libsql:"):
        return {"ENGINE": "gorkflow.db.libsql", "NAME": url, "CONN_HEALTH_CHECKS": True}
    parsed = dict(dj_database_url.parse(url, conn_health_checks=True))
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        parsed["OPTIONS"] = {
            "timeout": 20,
            # Take the write lock at BEGIN: a transaction that reads first cannot upgrade later.
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                # The third: pages that are written again and again go into the file less often.
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000"
            ),
        }
    return parsed


DATABASES = {
    "default": database(
        os.environ.get("DATABASE_URL") or f"sqlite:///{quote(str(VAR_DIR / 'demo.sqlite3'))}"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
# Served from where they lie, so that there is nothing to collect.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gorkflow demo",
    "DESCRIPTION": "Start, watch, cancel and retry workflows.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
}

CELERY_BROKER_URL = (
    os.environ.get("CELERY_BROKER_URL") or f"sqlitefile://{quote(str(VAR_DIR / 'broker.sqlite3'))}"
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

# Quicker than the defaults, so that progress inside a step shows soon, and so that one who kills a
# worker to see what happens need not wait long.
GORKFLOW = {"HEARTBEAT": 2, "LEASE": 10, "SWEEP_INTERVAL": 3}

LOGGING_CONFIG = "demo_project.logs.configure"
LOGGING = logging_dict(os.environ.get("DJANGO_LOG_LEVEL", "INFO").upper())

WEATHER_DATA_DIRS = [
    Path(name) for name in os.environ.get("WEATHER_DATA_DIRS", "").split(os.pathsep) if name
] or [Path(__file__).parent / "weather" / "data", VAR_DIR / "uploads"]
