"""`manage.py gorkflow ...`: what an operator does by hand or from cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gorkflow.errors import GorkflowError
from gorkflow.management.acts import ACTS
from gorkflow.management.console import explained


class Command(BaseCommand):
    """One command with an act for each need."""

    help = "Start, follow, steer and look after workflow runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one sub-command for each act."""
        acts = parser.add_subparsers(dest="act", required=True)
        for name, act in ACTS.items():
            act.add_arguments(acts.add_parser(name, help=act.HELP))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do the act."""
        try:
            ACTS[options["act"]].run(options, self.stdout)
        except GorkflowError as error:
            raise CommandError(explained(error)) from error
