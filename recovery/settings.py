"""Settings of a project that did the README's steps; the URLs are given."""

from __future__ import annotations

import os

import dj_database_url

SECRET_KEY = "only for measuring"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "recovery"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}

INSTALLED_APPS += ["gorkflow", "rest_framework", "django_filters", "drf_spectacular"]

CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

GORKFLOW: dict[str, object] = {}
