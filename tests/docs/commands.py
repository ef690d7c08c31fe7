"""Checks of the commands in bash blocks: each is run, or what it names is looked for."""

import re
import shlex
import subprocess
import tomllib
from itertools import pairwise
from urllib.parse import urlsplit

import dj_database_url
from kombu.transport import TRANSPORT_ALIASES

from tests.docs.documents import ROOT
from tests.docs.host import run_python

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def check_command(line, host, directory):
    """Check one command line; an unknown command fails."""
    words = shlex.split(line, comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        check_variable(*words.pop(0).split("=", 1))
    program, *rest = words
    program = program.removeprefix(".venv/bin/")
    if program in ("python", "python3") and rest[0] == "-m":
        program, rest = rest[1], rest[2:]
    CHECKS[program](rest, host, directory)


def check_variable(name, value):
    if name == "DATABASE_URL" and value.startswith("libsql:"):
        assert urlsplit(value).port
    elif name == "DATABASE_URL":
        assert dj_database_url.parse(value)["NAME"]
    else:
        assert name == "CELERY_BROKER_URL"
        assert value.partition("://")[0] in TRANSPORT_ALIASES


def _make(arguments, host, directory):
    made = [*arguments, "--dry-run", f"VENV={directory / 'venv'}"]
    done = subprocess.run(
        ["make", *made], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    asked = [word.partition("=")[2] for word in arguments if word.startswith("ARGS=")]
    assert all(each in done.stdout for each in asked)


def _pip(arguments, host, directory):
    assert arguments[0] == "install"
    groups = [b for a, b in pairwise(arguments) if a == "--group"]
    assert set(groups) <= set(PROJECT["dependency-groups"])
    for name, extras in re.findall(r"(\S+)\[(.*?)\]", " ".join(arguments)):
        assert name in (PROJECT["project"]["name"], ".")
        assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])


def _manage(arguments, host, directory):
    """Run a command of the host project; of the demo, which runs by itself, read the help."""
    arguments = arguments[1:]
    if arguments[0] != "demo":
        run_python(host, "manage.py", *arguments)
        return
    told = run_python(
        ROOT, "manage.py", "demo", "--help", env={"DEMO_VAR_DIR": str(directory / "var")}
    )
    assert all(option in told for option in arguments[1:])


def _celery(arguments, host, directory):
    """The worker is started for real by another test; here, its options."""
    told = run_python(host, "-m", "celery", *arguments[:3], "--help")
    assert all(option in told for option in arguments if option.startswith("--"))


def _module(name):
    def check(arguments, host, directory):
        run_python(directory, "-m", name, "--help")

    return check


CHECKS = {
    "make": _make,
    "pip": _pip,
    "venv": _module("venv"),
    "pytest": _module("pytest"),
    "celery": _celery,
    "python": _manage,
}
