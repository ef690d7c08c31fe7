"""`manage.py gorkflow prune`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from gorkflow.engine.pruning import BATCH
from gorkflow.errors import GorkflowError
from gorkflow.statuses import TERMINAL_RUNS
from gorkflow.wiring import get_engine

HELP = "Delete old ended runs, in batches."
DAY = 86_400


def add_arguments(parser: CommandParser) -> None:
    """Take what is old enough."""
    parser.add_argument(
        "--older-than-days",
        type=float,
        help="Age since the end. Default: what GORKFLOW['RETENTION'] says.",
    )
    parser.add_argument(
        "--status",
        action="append",
        choices=[status.value for status in TERMINAL_RUNS],
        help="Only runs that ended so; may be given several times. Default: all.",
    )
    parser.add_argument(
        "--batch", type=int, default=BATCH, help="Runs in one transaction; default %(default)s."
    )


def run(options: dict[str, Any], out: OutputWrapper) -> None:
    """Delete what is old enough."""
    days = options["older_than_days"]
    try:
        deleted = get_engine().prune(
            older_than=None if days is None else days * DAY,
            statuses=options["status"] or TERMINAL_RUNS,
            batch=options["batch"],
        )
    except GorkflowError as error:
        raise CommandError(str(error)) from error
    out.write(f"deleted {deleted} run{'' if deleted == 1 else 's'}")
