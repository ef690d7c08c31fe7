"""The end of a chaos run: waits until all is still, then says what the ledger finds."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django.db import connections

from chaos.facts import read_facts
from chaos.journal import BLOWS, entries
from chaos.ledger import Facts, audit
from chaos.recovery import recoveries
from gorkflow.models import StepExecution, WorkflowRun

POLL_SECONDS = 0.5


class Command(BaseCommand):
    """Wait, or audit."""

    help = "Wait for the runs of a chaos run, or audit them; started by `python -m chaos`."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what the plan follows from."""
        parser.add_argument("--wait", type=float, help="Wait so many seconds at most; no audit.")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--runs", type=int, default=0)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print JSON."""
        if options["wait"] is not None:
            self.stdout.write(json.dumps({"active": _wait(options["wait"])}))
            return
        facts = read_facts(seed=options["seed"], runs=options["runs"])
        kills = [blow for blow in entries(BLOWS) if blow.get("pids") and blow["blow"] != "stall"]
        times = recoveries(facts.runs, kills)
        self.stdout.write(
            json.dumps(
                {
                    "findings": [asdict(finding) for finding in audit(facts)],
                    **_counts(facts),
                    "recoveries": len(times.seconds),
                    "recovery_p50": times.share(0.5),
                    "recovery_p95": times.share(0.95),
                    "recovery_max": times.share(1.0),
                }
            )
        )


def _counts(facts: Facts) -> dict[str, Any]:
    attempts = [attempt for run in facts.runs for step in run.steps for attempt in step.attempts]
    return {
        "runs": dict(Counter(run.status for run in facts.runs)),
        "reruns": sum("rerun" in each for each in facts.starts),
        "doubled_starts": len(facts.starts) - len({each["number"] for each in facts.starts}),
        "steps": dict(Counter(step.status for run in facts.runs for step in run.steps)),
        "attempts": len(attempts),
        "attempts_lost": sum(attempt.error == "WORKER_LOST" for attempt in attempts),
        "effects": sum(len(step.effects) for run in facts.runs for step in run.steps),
        "executions": len(facts.executions),
        "caller_refusals": sum(each["refusals"] for each in facts.starts),
    }


def _wait(seconds: float) -> int:
    """Wait until nothing is under way; return how many runs and steps still are."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            # Siblings of a step that failed its run go on to their end.
            active = WorkflowRun.objects.active().count() + StepExecution.objects.held().count()
        except DatabaseError:
            active = -1
            connections.close_all()
        if active == 0 or time.monotonic() > deadline:
            return active
        time.sleep(POLL_SECONDS)
