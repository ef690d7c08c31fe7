"""`manage.py gorkflow show`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser, OutputWrapper

from gorkflow.definition.showing import shown_payload
from gorkflow.engine import Engine
from gorkflow.management.console import (
    add_json,
    moment,
    one_line,
    run_data,
    run_line,
    table,
    to_json,
    took,
)
from gorkflow.records import HistoryEvent, RunRecord, StepRecord
from gorkflow.wiring import get_engine

HELP = "Show a run: its steps and, if asked for, its history and payloads."
FACTS = ("workflow_id", "workflow_version", "resource_id", "started_by", "priority", "rerun_of")
STEPS = ("STEP", "STATUS", "TRIES", "TOOK", "WORKER", "WHY")
HISTORY = ("AT (UTC)", "WHAT", "STEP", "TRY", "WHO", "WHY")


def add_arguments(parser: CommandParser) -> None:
    """Take the run, and how much of it."""
    parser.add_argument("run_id", metavar="RUN")
    parser.add_argument("--history", action="store_true", help="What happened, and who did what.")
    parser.add_argument(
        "--payloads", action="store_true", help="Input and output, with secrets masked."
    )
    add_json(parser)


def run(options: dict[str, Any], out: OutputWrapper) -> None:
    """Print it."""
    engine = get_engine()
    record = engine.get_run(options["run_id"])
    steps = engine.get_steps(record)
    history = engine.get_history(record) if options["history"] else None
    payloads = _payloads(engine, record) if options["payloads"] else {}
    if options["json"]:
        told = {} if history is None else {"history": list(map(asdict, history))}
        shown = {**run_data(record), **payloads, "steps": list(map(asdict, steps)), **told}
        out.write(to_json(shown))
        return
    parts = [run_line(record), _facts(record), table(STEPS, map(_step_row, steps))]
    if history is not None:
        parts.append(table(HISTORY, map(_event_row, history)))
    parts += [f"{name}: {to_json(value)}" for name, value in payloads.items()]
    out.write("\n\n".join(parts))


def _payloads(engine: Engine, record: RunRecord) -> dict[str, Any]:
    loaded = engine.store.load(record.id, run_input=True, run_output=True)
    return {
        "input": shown_payload(engine.registry, record, "input", loaded.input),
        "output": shown_payload(engine.registry, record, "output", loaded.output),
    }


def _facts(record: RunRecord) -> str:
    facts = {name: getattr(record, name) for name in FACTS}
    tags = ", ".join(f"{name}:{value}" for name, value in record.tags.items())
    times = {name: moment(getattr(record, name)) for name in ("created_at", "ended_at")}
    lines = {**facts, "tags": tags, **times}
    return "\n".join(f"{name:<16}  {one_line(value)}" for name, value in lines.items() if value)


def _step_row(step: StepRecord) -> tuple[str, ...]:
    why = step.error.message if step.error is not None else step.progress_note
    lasted = took(step.started_at, step.ended_at)
    return (step.step_id, step.status, str(step.attempt), lasted, step.worker, why)


def _event_row(event: HistoryEvent) -> tuple[str, ...]:
    why = event.reason or (event.error.message if event.error is not None else "")
    attempt = str(event.attempt or "")
    return (moment(event.at), event.kind, event.step_id, attempt, event.actor, why)
