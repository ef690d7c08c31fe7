"""With django-unfold installed nothing breaks, in the plain admin classes and in unfold's."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

HERE = Path(__file__).parent


@pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"] == "gorkflow.db.libsql",
    reason="a libSQL server has one database, and this suite uses it",
)
def test_the_admin_works_with_unfold():
    if importlib.util.find_spec("unfold") is None:
        assert os.environ.get("CI") != "true", "django-unfold is missing, and CI needs it"
        pytest.skip("django-unfold is not installed: pip install --group test")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly"]
    # Unfold's own, on Django 6.1.
    command += ["-W", "ignore:Overriding get_action_choices"]
    command += ["--ds=tests.admin.unfold.settings", str(HERE / "unfold" / "cases.py")]

    ended = subprocess.run(
        command,
        check=False,
        cwd=HERE.parents[1],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
