"""The command: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import chart, report
from benchmarks.catalogue import SYSTEMS, chosen
from benchmarks.places import Places, Urls
from benchmarks.runner import Plan, run
from benchmarks.workloads import BY_NAME, QUICK_VARIABLE, WORKLOADS, Workload


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure this engine beside Celery, DBOS and the bare database.",
    )
    add = made.add_argument
    add("--quick", action="store_true", help="tiny counts, one round: proves that it works")
    add("--rounds", type=int, help="rounds; 3, or 1 with --quick")
    add("--only", type=_names, default=[], help=f"workloads, of {', '.join(BY_NAME)}")
    add(
        "--systems",
        type=_names,
        default=[],
        help=f"systems or families, of {', '.join(each.name for each in SYSTEMS)}",
    )
    add("--history", type=int, default=0, metavar="RUNS", help="measure beside so many old runs")
    add("--json", type=Path, metavar="FILE", help="write every sample there")
    add("--svg", type=Path, metavar="FILE", help="draw the chart there")
    add("--list", action="store_true", help="show systems and workloads, and end")
    servers = Urls()
    add("--postgres", default=servers.postgres, help="default: %(default)s")
    add("--redis", default=servers.redis, help="its databases 1 to 15; default: %(default)s")
    add("--rabbitmq", default=servers.rabbitmq, help="default: %(default)s")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code is 1 if anything failed, never for a slow figure."""
    options = parser().parse_args(arguments)
    if options.list:
        _list()
        return 0
    try:
        plan = _plan(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    facts = report.machine()
    urls = Urls(postgres=options.postgres, redis=options.redis, rabbitmq=options.rabbitmq)
    with closing(Places(urls)) as places:
        outcome = run(plan, places, _say)
    print(f"\n{facts['system']}, {facts['cores']} cores, load {facts['load']}, {facts['time']}")
    print(f"{plan.rounds} rounds: median (min-max); ratios are taken within a round\n")
    print(report.text(outcome, plan))
    if options.json:
        found = report.as_json(outcome, plan, facts)
        report.write(options.json, json.dumps(found, indent=1) + "\n")
    groups = chart.groups_of(outcome.samples)
    if options.svg and groups:
        note = f"{facts['cores']} cores, median of {plan.rounds} rounds, line: min to max"
        report.write(options.svg, chart.draw(groups, note))
    return 1 if outcome.failed else 0


def _plan(options: argparse.Namespace) -> Plan:
    os.environ[QUICK_VARIABLE] = "1" if options.quick else "0"
    return Plan(
        systems=chosen(options.systems, history=bool(options.history)),
        workloads=_workloads(options.only),
        rounds=options.rounds or (1 if options.quick else 3),
        quick=options.quick,
        history=options.history,
    )


def _workloads(names: Sequence[str]) -> list[Workload]:
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise ValueError(f"no workload {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    return [each for each in WORKLOADS if not names or each.name in names]


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _say(line: str) -> None:
    print(time.strftime("%H:%M:%S"), line, flush=True)


def _list() -> None:
    for system in SYSTEMS:
        print(f"{system.name:22}{system.title}")
    print()
    for workload in WORKLOADS:
        print(f"{workload.name:22}{workload.title}")


if __name__ == "__main__":
    # As Ctrl-C does, so that everything is stopped and removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
