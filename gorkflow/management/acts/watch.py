"""`manage.py gorkflow watch`."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from gorkflow.engine import Engine
from gorkflow.management.console import WRONG_USE, add_json, run_data, run_line, to_json
from gorkflow.records import RunRecord
from gorkflow.statuses import RunStatus
from gorkflow.wiring import get_engine

HELP = "Follow a run until it has ended; exit code 1 if it did not complete."
FIRST_PAUSE, LAST_PAUSE = 0.1, 1.0


def add_arguments(parser: CommandParser) -> None:
    """Take the run."""
    parser.add_argument("run_id", metavar="RUN")
    parser.add_argument(
        "--timeout", type=float, help="Seconds; then give up with exit code 2. The run goes on."
    )
    add_json(parser)


def run(options: dict[str, Any], out: OutputWrapper) -> None:
    """Follow it."""
    engine = get_engine()
    run_id = engine.get_run(options["run_id"]).id
    watch(engine, run_id, out, as_json=options["json"], timeout=options["timeout"])


def watch(
    engine: Engine,
    run_id: UUID,
    out: OutputWrapper,
    *,
    as_json: bool = False,
    timeout: float | None = None,
) -> None:
    """Print the run whenever its status or progress is another, until it has ended.

    On a terminal the line is written over; elsewhere each change has a line of its own.

    Raises:
        CommandError: it failed or was cancelled (exit code 1), or time is up (2).

    """
    until = None if timeout is None else time.monotonic() + timeout
    before, pause = None, FIRST_PAUSE
    while True:
        record = engine.get_run(run_id)
        if record != before:
            _print(record, out, as_json=as_json)
            before, pause = record, FIRST_PAUSE
        if record.status.is_terminal:
            break
        if until is not None and time.monotonic() >= until:
            message = f"run {run_id} is still {record.status} after {timeout:g} s"
            raise CommandError(message, returncode=WRONG_USE)
        time.sleep(pause)
        pause = min(pause * 1.5, LAST_PAUSE)
    if record.status is not RunStatus.COMPLETED:
        raise CommandError(f"run {run_id} is {record.status}")


def _print(record: RunRecord, out: OutputWrapper, *, as_json: bool) -> None:
    if as_json:
        out.write(to_json(run_data(record)))
    elif out.isatty():
        # Back to the line's beginning, and nothing left of what was there.
        out.write(f"\r\x1b[K{run_line(record)}", ending="\n" if record.status.is_terminal else "")
    else:
        out.write(run_line(record))
    out.flush()
