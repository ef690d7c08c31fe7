"""`manage.py gorkflow verify`."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser, OutputWrapper

from gorkflow.definition.registry import registry
from gorkflow.invariants import Finding, Report, Verifier
from gorkflow.stores.orm import DjangoStore
from gorkflow.wiring import get_engine

HELP = "Check that the stored runs and steps agree with each other; exit code 1 if they do not."
WRONG_USE = 2


def add_arguments(parser: CommandParser) -> None:
    """Take what to look at and what to do about it."""
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    parser.add_argument("--fix", action="store_true", help="Repair what can be repaired for sure.")
    parser.add_argument(
        "--no-payloads", action="store_true", help="Do not validate outputs: much faster."
    )
    parser.add_argument(
        "--run", action="append", type=UUID, metavar="ID", help="Only this run; repeatable."
    )


def run(options: dict[str, Any], out: OutputWrapper) -> None:
    """Print what is found."""
    engine = get_engine()
    if not isinstance(engine.store, DjangoStore):
        msg = f"verify reads the tables of DjangoStore, not {type(engine.store).__name__}"
        raise CommandError(msg, returncode=WRONG_USE)
    verifier = Verifier(
        engine.store.using,
        registry=None if options["no_payloads"] else registry,
        config=engine.config,
        fix=options["fix"],
    )
    report = verifier.verify(options["run"])
    out.write(json.dumps(report.to_dict(), indent=1) if options["json"] else _text(report))
    if not report.is_sound:
        wrong = sum(not finding.fixed for finding in report.findings)
        raise CommandError(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong")


def _text(report: Report) -> str:
    lines = [_line(finding) for finding in report.findings]
    return "\n".join([*lines, f"checked {report.runs} runs with {report.steps} steps"])


def _line(finding: Finding) -> str:
    place = "" if finding.run_id is None else f" run {finding.run_id}"
    step = f" step {finding.step_id!r}" if finding.step_id else ""
    mend = " [fixed]" if finding.fixed else " [--fix repairs it]" if finding.fixable else ""
    return f"{finding.invariant}{place}{step}: {finding.message}{mend}"
