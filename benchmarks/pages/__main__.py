"""The command: `python -m benchmarks.pages --help`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

VAR = Path(__file__).resolve().parents[2] / "var" / "benchmarks"
SERVER = "postgres://postgres@127.0.0.1:5432/postgres"


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.pages",
        description="Time the admin's pages over a long history, in a scratch database.",
    )
    add = made.add_argument
    add("--runs", type=int, default=1_000_000, help="of ten steps each; default: %(default)s")
    add("--server", default=os.environ.get("DATABASE_URL") or SERVER, help="PostgreSQL's URL")
    add("--keep", metavar="NAME", help="use this database, and leave it there with its history")
    add("--only", default="", metavar="TEXT", help="only pages with this in their names")
    add("--explain", type=float, metavar="MS", help="show plans of queries of slower pages")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it."""
    options = parser().parse_args(arguments)
    name = options.keep or f"gorkflow_pages_{os.getpid()}"
    url = urlsplit(options.server)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "demo_project.settings",
        "DATABASE_URL": urlunsplit(url._replace(path=f"/{name}")),
        "DJANGO_DEBUG": "0",
        "DJANGO_SECRET_KEY": "of a benchmark",
        "DJANGO_ALLOWED_HOSTS": "testserver",
        "DEMO_VAR_DIR": str(VAR),
        "DJANGO_LOG_LEVEL": "ERROR",
    }
    with _database(options.server, name, keep=bool(options.keep)) as is_new:
        _measure(options, is_new=is_new)
    return 0


@contextmanager
def _database(server: str, name: str, *, keep: bool) -> Iterator[bool]:
    """Make the database if it is not there, and drop it unless it is to be kept."""
    import psycopg  # noqa: PLC0415  only here

    with psycopg.connect(server.replace("postgres://", "postgresql://"), autocommit=True) as admin:
        found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found is None:
            admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield found is None
        finally:
            if not keep:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _measure(options: argparse.Namespace, *, is_new: bool) -> None:
    import django  # noqa: PLC0415  the settings read what has just been set

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from benchmarks.pages.history import chain, load  # noqa: PLC0415
    from benchmarks.pages.timing import cost_of, explained, logged_in, pages  # noqa: PLC0415

    logging.getLogger().setLevel(logging.ERROR)
    call_command("migrate", verbosity=0, interactive=False)
    workflow = chain()
    if is_new:
        load(options.runs, workflow)
        workflow.start(1)
    client = logged_in()
    print("| Page | Queries | First, ms | Then, ms | of it in the database, ms |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    for name, address in pages():
        if options.only in name:
            cost = cost_of(client, name, address)
            times = " | ".join(f"{ms:.0f}" for ms in (cost.first, cost.usual, cost.in_database))
            print(f"| {name} | {cost.queries} | {times} |", flush=True)
            if options.explain is not None and cost.usual > options.explain:
                print(f"{cost.slowest}\n{explained(cost.slowest)}\n", flush=True)


if __name__ == "__main__":
    # As Ctrl-C does, so that everything is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
