"""One of the processes that start runs. It may be killed and goes on where its journal ends."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from chaos.journal import STARTS, entries
from chaos.plans import Act, Plan, plan
from chaos.starting import Caller

THREADS = 6


class Command(BaseCommand):
    """Start every planned run that is this process's, when its time has come."""

    help = "Start the runs of a chaos run; started by `python -m chaos`."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add which process this is and what the plan follows from."""
        parser.add_argument("--index", type=int, required=True)
        parser.add_argument("--of", type=int, required=True)
        parser.add_argument("--seed", type=int, required=True)
        parser.add_argument("--runs", type=int, required=True)
        parser.add_argument("--seconds", type=float, required=True)
        parser.add_argument("--began", type=float, required=True, help="Seconds since 1970.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Start runs until all are done."""
        name = f"starter-{options['index']}"
        done = {each["number"] for each in entries(STARTS) if each["starter"] == name}
        with ThreadPoolExecutor(THREADS) as pool:
            for number in range(options["runs"]):
                each = plan(
                    options["seed"], number, runs=options["runs"], seconds=options["seconds"]
                )
                if number in done or not _is_mine(each, options["index"], options["of"]):
                    continue
                time.sleep(max(0.0, options["began"] + each.at - time.time()))
                pool.submit(Caller(name, options["seed"]).perform, each)


def _is_mine(each: Plan, index: int, count: int) -> bool:
    return each.act is Act.DOUBLE or each.number % count == index
