"""Acts on the runs that a command line names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from gorkflow.errors import GorkflowError
from gorkflow.management.console import (
    actor,
    add_json,
    add_words,
    explained,
    run_data,
    run_line,
    to_json,
)
from gorkflow.records import RunRecord


def add_run_arguments(parser: CommandParser) -> None:
    """Take the runs, who asks and why."""
    parser.add_argument("run_id", metavar="RUN", nargs="+")
    add_words(parser)
    add_json(parser)


def steer(act: Callable[..., RunRecord], options: dict[str, Any], out: OutputWrapper) -> None:
    """Do it to each run and print how it stands.

    Raises:
        CommandError: it could not be done to all of them; names the others.

    """
    words = {"actor": actor(options), "reason": options["reason"]}
    refused = []
    for run_id in options["run_id"]:
        try:
            record = act(run_id, **words)
        except GorkflowError as error:
            refused.append(explained(error))
            continue
        out.write(to_json(run_data(record)) if options["json"] else run_line(record))
    if refused:
        raise CommandError("\n".join(refused))
