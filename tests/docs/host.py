"""A host project, made of what the documents tell their reader to write, in a directory."""

import os
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager

from tests.docs.documents import README, ROOT, blocks, spans

SETTINGS = """
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only for this test"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "mysite.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "shop.sqlite3"}
}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
STATIC_URL = "static/"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
"""
CELERY = """
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

app = Celery("mysite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""
URLS = """
from django.contrib import admin
from django.urls import include, path

from shop.views import place_order

urlpatterns = [path("orders/", place_order), path("admin/", admin.site.urls), {api}]
"""
MODELS = """
from django.db import models


class Order(models.Model):
    confirmed = models.BooleanField(default=False)
"""
MANAGE = """
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
execute_from_command_line(sys.argv)
"""
# Each document sets what it speaks of; the host of all of them sets all of it.
KEEP = "KEPT = globals().get('KEPT', {}) | globals().get('GORKFLOW', {})\n"


def write_host(directory):
    """Write the project: what a Django and Celery project has, and the documents' blocks."""
    api = next(span for span in spans(README) if span.startswith('path("api/"'))
    added = "".join(block.text + KEEP for block in blocks("python settings"))
    files = {
        "manage.py": MANAGE,
        "mysite/__init__.py": "from mysite.celery import app as celery_app\n",
        "mysite/celery.py": CELERY,
        "mysite/settings.py": SETTINGS + added + "GORKFLOW = KEPT\n",
        "mysite/urls.py": URLS.format(api=api),
        "shop/__init__.py": "",
        "shop/models.py": MODELS,
        "shop/migrations/__init__.py": "",
        **{block.file: block.text for block in blocks("python file")},
    }
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def environment(directory):
    """Return the environment of a process in the project: nothing of this test run's."""
    ours = ("DJANGO_", "DATABASE_URL", "CELERY_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(directory), str(ROOT)])}


def run_python(directory, *arguments, **options):
    """Run Python there and return what it printed; fail with all of it if that goes wrong."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment(directory) | options.pop("env", {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def printed_worker(directory, line):
    """Run a `celery ... worker` command line there, and stop it warmly in the end."""
    log = directory / "worker.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(line)],
            cwd=directory,
            env=environment(directory),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
        assert process.poll() is None, log.read_text()
        process.terminate()
        assert process.wait(timeout=30) == 0, log.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
