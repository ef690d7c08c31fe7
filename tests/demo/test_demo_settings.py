import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
READ = """
import json, sys
from demo_project import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""
LOG = """
import logging, django, structlog
django.setup()
structlog.get_logger("shop").info("order_placed", number=7)
logging.getLogger("other").warning("plain %s", "line")
"""


def run(tmp_path, code, *arguments, **env):
    """Run a few lines in a fresh process with no variables but these."""
    base = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "demo_project.settings"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env={**base, "DEMO_VAR_DIR": str(tmp_path), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_any_variable_two_files_are_all_that_is_needed(tmp_path):
    done = run(tmp_path, READ, "DATABASES", "CELERY_BROKER_URL")

    found = json.loads(done.stdout)
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "demo.sqlite3")
    assert found["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found["CELERY_BROKER_URL"] == f"sqlitefile://{tmp_path}/broker.sqlite3"


def test_a_database_and_a_broker_are_named_by_their_urls(tmp_path):
    done = run(
        tmp_path,
        READ,
        "DATABASES",
        "CELERY_BROKER_URL",
        DATABASE_URL="postgres://u:p@db.example:5433/shop",
        CELERY_BROKER_URL="redis://broker.example/1",
    )

    found = json.loads(done.stdout)
    database = found["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example", 5433, "shop")
    assert "transaction_mode" not in database.get("OPTIONS", {})
    assert found["CELERY_BROKER_URL"] == "redis://broker.example/1"


def test_a_libsql_server_is_named_by_its_url(tmp_path):
    url = "libsql://127.0.0.1:8080?tls=0"
    done = run(tmp_path, READ, "DATABASES", DATABASE_URL=url)

    database = json.loads(done.stdout)["DATABASES"]["default"]
    assert (database["ENGINE"], database["NAME"]) == ("gorkflow.db.libsql", url)


def test_the_public_secret_key_is_for_debugging_only(tmp_path):
    done = run(tmp_path, READ, DJANGO_DEBUG="0")

    assert done.returncode != 0
    assert "DJANGO_SECRET_KEY is needed when DJANGO_DEBUG is off" in done.stderr
    assert run(tmp_path, READ, DJANGO_DEBUG="0", DJANGO_SECRET_KEY="x" * 50).returncode == 0


def test_piped_logs_are_json_lines_whoever_wrote_them(tmp_path):
    lines = [json.loads(line) for line in run(tmp_path, LOG).stderr.splitlines()]

    assert [(line["level"], line["event"]) for line in lines] == [
        ("info", "order_placed"),
        ("warning", "plain line"),
    ]
    assert lines[0]["number"] == 7
    assert list(lines[0])[:3] == ["timestamp", "level", "event"]


@pytest.mark.parametrize("level", ["error", "WARNING"])
def test_the_log_level_is_a_variable(tmp_path, level):
    written = run(tmp_path, LOG, DJANGO_LOG_LEVEL=level).stderr

    assert "order_placed" not in written
    assert ("plain line" in written) == (level == "WARNING")
