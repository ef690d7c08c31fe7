"""Where the trial runs: a scratch database on a server, a broker, and workers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "benchmarks.hosts.django_app.settings"
STOP_SECONDS = 30.0


def environment(database: str, broker: str, *, quick: bool) -> None:
    """Set what the project of the benchmarks reads, for this process and those it starts."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": SETTINGS,
        "DATABASE_URL": database,
        "CELERY_BROKER_URL": broker,
        "GORKFLOW_BENCH_QUEUE": f"gorkflow_prune_{os.getpid()}",
        "GORKFLOW_BENCH_SMALL": "1",
        "GORKFLOW_BENCH_QUICK": "1" if quick else "0",
    }


@contextmanager
def scratch_database(directory: Path) -> Iterator[None]:
    """Make a migrated database of our own beside the one that DATABASE_URL names; drop it."""
    from django.db import connection  # noqa: PLC0415  once Django is set up

    name = f"gorkflow_prune_{os.getpid()}"
    url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    if connection.vendor == "sqlite":
        name = f"{directory}/{name}.sqlite3"
        url = f"sqlite:///{name}"
    before = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = name
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    os.environ["DATABASE_URL"] = url
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


@contextmanager
def workers(count: int, bell: str, log: Path) -> Iterator[None]:
    """Start Celery workers, of one process each; stop them warmly in the end."""
    command = [
        *(sys.executable, "-W", "ignore", "-m", "celery", "-A"),
        *("benchmarks.hosts.django_app.celery_app", "worker", "--loglevel", "warning"),
        *("--pool", "prefork", "--concurrency", "1", "--queues"),
        os.environ["GORKFLOW_BENCH_QUEUE"],
    ]
    with log.open("wb") as file:
        started = [
            subprocess.Popen(
                [*command, "--hostname", f"prune-{os.getpid()}-{number}@localhost"],
                cwd=ROOT,
                env={**os.environ, "GORKFLOW_BENCH_ENDED": bell},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
            for number in range(count)
        ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
            process.wait()


def start_pruner(days: float) -> subprocess.Popen[str]:
    """Start the process that prunes."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.pruning.pruner", str(days)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
