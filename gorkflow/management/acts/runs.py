"""`manage.py gorkflow runs`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser, OutputWrapper

from gorkflow.management.console import (
    add_json,
    moment,
    read_tags,
    run_data,
    table,
    to_json,
    took,
)
from gorkflow.queries import RunFilter
from gorkflow.records import RunRecord
from gorkflow.statuses import RunStatus
from gorkflow.wiring import get_engine

HELP = "List runs, newest first."
HEAD = ("ID", "STATUS", "DONE", "WORKFLOW", "CREATED (UTC)", "TOOK", "RESOURCE")


def add_arguments(parser: CommandParser) -> None:
    """Take which runs."""
    parser.add_argument("--workflow", help="Only this workflow's.")
    parser.add_argument(
        "--status",
        action="append",
        choices=[status.value for status in RunStatus],
        help="Only runs in this status; may be given several times.",
    )
    parser.add_argument("--resource-id", help="Only those of this resource.")
    parser.add_argument(
        "--tag", action="append", metavar="NAME:VALUE", help="Only those with this tag; repeatable."
    )
    parser.add_argument("--started-by", metavar="NAME", help="Only those that they started.")
    parser.add_argument("--limit", type=int, default=20, help="How many; default 20.")
    parser.add_argument("--cursor", help="Go on after a page, as its last line or `next` says.")
    add_json(parser)


def run(options: dict[str, Any], out: OutputWrapper) -> None:
    """Print them."""
    wanted = RunFilter(
        workflow_id=options["workflow"],
        statuses=options["status"] or (),
        resource_id=options["resource_id"],
        tags=read_tags(options["tag"]),
        started_by=options["started_by"],
        limit=options["limit"],
        cursor=options["cursor"],
    )
    page = get_engine().list_runs(wanted)
    if options["json"]:
        out.write(to_json({"next": page.next_cursor, "results": list(map(run_data, page.runs))}))
        return
    out.write(table(HEAD, map(_row, page.runs)))
    if page.next_cursor is not None:
        out.write(f"More: --cursor {page.next_cursor}")


def _row(run: RunRecord) -> tuple[str, ...]:
    done = f"{run.progress:.0%}"
    lasted = took(run.started_at, run.ended_at)
    workflow = f"{run.workflow_id} {run.workflow_version}"
    created = moment(run.created_at)
    return (str(run.id), run.status, done, workflow, created, lasted, run.resource_id)
