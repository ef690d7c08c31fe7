"""What the acts of `manage.py gorkflow` have in common: arguments, and how runs are printed."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from gorkflow.errors import GorkflowError, PayloadError
from gorkflow.records import ErrorInfo, RunRecord

WRONG_USE = 2
BAR_WIDTH = 20
MAX_CELL = 60


def add_json(parser: CommandParser) -> None:
    """Let the output be JSON."""
    parser.add_argument("--json", action="store_true", help="Print JSON, for programs.")


def add_words(parser: CommandParser) -> None:
    """Take who does it and why."""
    parser.add_argument("--reason", default="", help="Why, for the run's history.")
    parser.add_argument("--by", default=None, metavar="NAME", help="Who; default: your login name.")


def actor(options: Mapping[str, Any]) -> str:
    """Return who does it, for the run's history."""
    if options["by"] is not None:
        return str(options["by"])
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        # A container's user may have no name.
        return ""


def read_tags(pairs: Iterable[str] | None) -> dict[str, str]:
    """Return tags given as `name:value`. A name ends at the first colon."""
    tags = {}
    for pair in pairs or ():
        name, colon, value = pair.partition(":")
        if not (name and colon):
            raise CommandError(f"--tag {pair!r}: write it as name:value", returncode=WRONG_USE)
        tags[name] = value
    return tags


def explained(error: GorkflowError) -> str:
    """Return what a person needs to know of an error."""
    lines = [error.message]
    if isinstance(error, PayloadError):
        lines += [f"  {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors]
    return "\n".join(lines)


def to_json(value: Any) -> str:
    """Return JSON of records and what they hold."""
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.to_dict() if isinstance(value, ErrorInfo) else str(value)


def run_data(run: RunRecord) -> dict[str, Any]:
    """Return a run for programs, with the names that the API has."""
    data = asdict(run)
    data["error"] = run.error
    data["workflow"], data["version"] = data.pop("workflow_id"), data.pop("workflow_version")
    return {"id": data.pop("id"), **data, "progress": run.progress}


def run_line(run: RunRecord) -> str:
    """Return a run's status and progress in one line."""
    filled = round(run.progress * BAR_WIDTH)
    bar = "#" * filled + "." * (BAR_WIDTH - filled)
    done = f"{run.done_steps}/{run.total_steps} steps"
    why = f"  {one_line(run.error.message)}" if run.error is not None else ""
    if run.run_at is not None:
        why = f"  begins {moment(run.run_at)} UTC"
    return f"{run.id}  {run.status:<9}  [{bar}] {run.progress:4.0%}  {done}{why}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows in columns as wide as they need to be."""
    cells = [head, *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)
    return "\n".join(lines)


def moment(at: datetime | None) -> str:
    """Return a time to the second, in UTC."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def took(begun: datetime | None, ended: datetime | None) -> str:
    """Return how long something took."""
    if begun is None or ended is None:
        return ""
    return f"{(ended - begun).total_seconds():.1f} s"


def one_line(text: object) -> str:
    """Return text that does no more to a terminal than to fill a part of a line."""
    shown = "".join(each if each.isprintable() else " " for each in str(text))
    return shown if len(shown) <= MAX_CELL else f"{shown[: MAX_CELL - 1]}…"
