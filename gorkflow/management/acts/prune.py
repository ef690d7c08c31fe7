"""`manage.py gorkflow prune`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from gorkflow.statuses import TERMINAL_RUNS, RunStatus
from gorkflow.wiring import get_engine

HELP = "Delete old ended runs, in batches."
DAY = 86_400


def add_arguments(parser: CommandParser) -> None:
    """Take what is old enough."""
    parser.add_argument(
        "--older-than-days", type=float, default=30.0, help="Age since the end; default 30."
    )
    parser.add_argument(
        "--status",
        action="append",
        choices=[status.value for status in TERMINAL_RUNS],
        help="Only runs that ended so; may be given several times. Default: all.",
    )
    parser.add_argument("--batch", type=int, default=500, help="Runs in one transaction.")


def run(options: dict[str, Any], out: OutputWrapper) -> None:
    """Delete what is old enough."""
    if options["older_than_days"] < 0 or options["batch"] < 1:
        raise CommandError("--older-than-days must be 0 or more and --batch 1 or more")
    wanted = options["status"]
    statuses = [RunStatus(name) for name in wanted] if wanted else TERMINAL_RUNS
    deleted = get_engine().prune(
        older_than=options["older_than_days"] * DAY, statuses=statuses, batch=options["batch"]
    )
    out.write(f"deleted {deleted} run{'' if deleted == 1 else 's'}")
