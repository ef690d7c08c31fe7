"""`manage.py gorkflow start`."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser, OutputWrapper
from django.utils.dateparse import parse_datetime

from gorkflow.definition.workflow import start_options
from gorkflow.management.acts.watch import watch
from gorkflow.management.console import (
    WRONG_USE,
    actor,
    add_json,
    read_tags,
    run_data,
    run_line,
    to_json,
)
from gorkflow.records import Json
from gorkflow.wiring import get_engine

HELP = "Start a run."


def add_arguments(parser: CommandParser) -> None:
    """Take the workflow, its input, and how the run is started."""
    parser.add_argument("workflow", metavar="WORKFLOW")
    parser.add_argument(
        "input",
        metavar="INPUT",
        nargs="?",
        default="null",
        help="JSON; @FILE reads it from a file, - from standard input.",
    )
    parser.add_argument("--resource-id")
    parser.add_argument(
        "--concurrency-check",
        action="store_true",
        help="Refuse while another checked run has the resource id.",
    )
    parser.add_argument("--tag", action="append", metavar="NAME:VALUE", help="Repeatable.")
    parser.add_argument("--priority", type=int, help="0 to 9; higher goes first.")
    parser.add_argument("--idempotency-key")
    parser.add_argument(
        "--run-at",
        type=_moment,
        metavar="TIME",
        help="Not before: ISO 8601 with its zone, as 2030-01-31T09:00Z.",
    )
    parser.add_argument("--by", default=None, metavar="NAME", help="Who; default: your login name.")
    parser.add_argument("--watch", action="store_true", help="Follow it until it has ended.")
    add_json(parser)


def _moment(text: str) -> datetime:
    moment = parse_datetime(text)
    if moment is None or moment.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} is no ISO 8601 time with its zone")
    return moment


def run(options: dict[str, Any], out: OutputWrapper) -> None:
    """Start it."""
    engine = get_engine()
    workflow = engine.registry.get(options["workflow"])
    names = ("resource_id", "priority", "idempotency_key", "run_at")
    given = {name: options[name] for name in names if options[name] is not None}
    asked = start_options(
        {
            **given,
            "concurrency_check": options["concurrency_check"],
            "tags": read_tags(options["tag"]),
            "started_by": actor(options),
        }
    )
    value = workflow.input_codec.load(_read_input(options["input"]))
    record = engine.start(workflow, value, asked).record
    if options["watch"]:
        watch(engine, record.id, out, as_json=options["json"])
        return
    out.write(to_json(run_data(record)) if options["json"] else run_line(record))


def _read_input(text: str) -> Json:
    try:
        if text == "-":
            return sys.stdin.read()
        return Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text
    except (OSError, ValueError) as error:
        raise CommandError(f"INPUT: {error}", returncode=WRONG_USE) from error
