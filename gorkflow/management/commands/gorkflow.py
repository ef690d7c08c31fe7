"""`manage.py gorkflow ...`: what an operator does by hand or from cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gorkflow.statuses import TERMINAL_RUNS, RunStatus
from gorkflow.wiring import get_engine

DAY = 86_400


class Command(BaseCommand):
    """One command with an act for each need."""

    help = "Look after workflow runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one sub-command for each act."""
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("sweep", help="Find work that nobody does and tell the workers; once.")
        prune = acts.add_parser("prune", help="Delete old ended runs, in batches.")
        prune.add_argument(
            "--older-than-days", type=float, default=30.0, help="Age since the end; default 30."
        )
        prune.add_argument(
            "--status",
            action="append",
            choices=[status.value for status in TERMINAL_RUNS],
            help="Only runs that ended so; may be given several times. Default: all.",
        )
        prune.add_argument("--batch", type=int, default=500, help="Runs in one transaction.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do the act."""
        getattr(self, options["act"])(options)

    def sweep(self, _options: dict[str, Any]) -> None:
        """Sweep once."""
        self.stdout.write(f"acted on {get_engine().sweep()}")

    def prune(self, options: dict[str, Any]) -> None:
        """Delete what is old enough."""
        if options["older_than_days"] < 0 or options["batch"] < 1:
            raise CommandError("--older-than-days must be 0 or more and --batch 1 or more")
        wanted = options["status"]
        statuses = [RunStatus(name) for name in wanted] if wanted else TERMINAL_RUNS
        deleted = get_engine().prune(
            older_than=options["older_than_days"] * DAY, statuses=statuses, batch=options["batch"]
        )
        self.stdout.write(f"deleted {deleted} run{'' if deleted == 1 else 's'}")
