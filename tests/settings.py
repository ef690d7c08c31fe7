"""Settings of the test suite. DATABASE_URL and CELERY_BROKER_URL choose what it runs on."""

import os
from pathlib import Path

import dj_database_url

VAR = Path(__file__).resolve().parent.parent / "var" / "tests"
VAR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = "only for tests"
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.urls"
STATIC_URL = "/static/"

URL = os.environ.get("DATABASE_URL") or f"sqlite:///{VAR / 'tests.sqlite3'}"
if URL.startswith("libsql:"):
    DATABASES = {"default": {"ENGINE": "gorkflow.db.libsql", "NAME": URL}}
else:
    DATABASES = {"default": dj_database_url.parse(URL)}
# A name of its own: two suites may run on one server at once.
DATABASES["default"]["TEST"] = {"NAME": f"test_gorkflow_{os.getpid()}"}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, not memory: threads and worker processes have to see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR / f"test-{os.getpid()}.sqlite3")}
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
if URL.startswith("libsql:"):
    # A server has one database: this suite has it for itself.
    DATABASES["default"]["TEST"] = {"NAME": URL}

# For the tests of routers: a second database, whatever the first one is.
DATABASES["other"] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": VAR / "other.sqlite3",
    "TEST": {"NAME": str(VAR / f"test-{os.getpid()}-other.sqlite3")},
    "OPTIONS": {"timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"},
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "gorkflow",
    "demo_project.home",
    "demo_project.weather",
    "demo_project.orders",
    "tests.shop",
]
MIDDLEWARE = [
    "demo_project.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).resolve().parent.parent / "templates"],
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
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}

GORKFLOW = {"LEASE": 3.0, "HEARTBEAT": 1.0, "SWEEP_INTERVAL": 0.5, "RESEND_AFTER": 1.0}

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "memory://")
