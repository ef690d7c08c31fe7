"""The same project as a web server has it, with the API mounted."""

from __future__ import annotations

from benchmarks.hosts.django_app.settings import *  # noqa: F403
from benchmarks.hosts.django_app.settings import DATABASES, INSTALLED_APPS

ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "benchmarks.hosts.django_app.web_urls"
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.sessions"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
DATABASES = {"default": {**DATABASES["default"], "CONN_MAX_AGE": 60}}
