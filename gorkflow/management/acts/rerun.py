"""`manage.py gorkflow rerun`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser, OutputWrapper

from gorkflow.management.steering import add_run_arguments, steer
from gorkflow.wiring import get_engine

HELP = "Start new runs with the input of others."


def add_arguments(parser: CommandParser) -> None:
    """Take the runs, who asks and why."""
    add_run_arguments(parser)


def run(options: dict[str, Any], out: OutputWrapper) -> None:
    """Do it to each of them."""
    engine = get_engine()
    steer(lambda run_id, **words: engine.rerun(run_id, **words).record, options, out)
