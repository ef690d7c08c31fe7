"""The tables that a person reads, and the JSON that a program does."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Samples, Spread
from benchmarks.runner import Outcome, Plan
from benchmarks.targets import TARGETS, Target
from benchmarks.workloads import BY_NAME

UNITS = {
    "steps_per_s": "steps/s",
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "before_mb": "MB before",
    "after_mb": "MB after",
    "growth_mb": "MB growth",
    "after_lease_s": "s after the lease, worker killed",
    "child_after_lease_s": "s after the lease, child killed",
}


def machine() -> dict[str, Any]:
    """Return what the figures depend on most."""
    return {
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load": [round(each, 2) for each in os.getloadavg()],
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def text(outcome: Outcome, plan: Plan) -> str:
    """Return the whole report."""
    parts = [_systems(outcome), _absolutes(outcome, plan), _targets(outcome.samples)]
    if outcome.skipped:
        lines = [f"  {name}: {reason}" for name, reason in outcome.skipped.items()]
        parts.append("\n".join(["Skipped", *lines]))
    if outcome.failed:
        parts.append("\n".join(["FAILED", *(f"  {each}" for each in outcome.failed)]))
    return "\n\n".join(part for part in parts if part)


def as_json(outcome: Outcome, plan: Plan, facts: dict[str, Any]) -> dict[str, Any]:
    """Return everything that was measured, and the targets with their verdicts."""
    return {
        "machine": facts,
        "rounds": plan.rounds,
        "quick": plan.quick,
        "history": plan.history,
        "systems": outcome.about,
        "skipped": outcome.skipped,
        "failed": outcome.failed,
        "samples": [
            {
                "round": each.round,
                "workload": each.workload,
                "system": each.system,
                "measures": dict(each.measures),
            }
            for each in outcome.samples
        ],
        "targets": [_target_json(target, outcome.samples) for target in TARGETS],
    }


def write(path: Path, content: str) -> None:
    """Write a file, making its directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as columns; the first row is the heading, the first column is left-aligned."""
    widths = [max(len(row[each]) for row in rows) for each in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a value with about three figures that mean something."""
    if abs(value) >= 100:  # noqa: PLR2004
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004


def spread_text(spread: Spread | None) -> str:
    """Return a median with its range."""
    if spread is None:
        return "-"
    if spread.low == spread.high:
        return number(spread.median)
    return f"{number(spread.median)} ({number(spread.low)}-{number(spread.high)})"


def _systems(outcome: Outcome) -> str:
    lines = ["Systems"]
    for name, about in outcome.about.items():
        lines.append(f"  {name}: {about['title']}")
        lines += [f"      {key}: {about[key]}" for key in ("versions", "settings", "durability")]
    return "\n".join(lines)


def _absolutes(outcome: Outcome, plan: Plan) -> str:
    samples = outcome.samples
    parts = []
    for workload in plan.workloads:
        mine = [each for each in samples if each.workload == workload.name]
        measures = list(dict.fromkeys(key for each in mine for key in each.measures))
        if not measures:
            continue
        rows = [["", *(UNITS.get(key, key) for key in measures)]]
        for name in dict.fromkeys(each.system for each in mine):
            spreads = [samples.spread(Figure(name, workload.name, key)) for key in measures]
            rows.append([name, *(spread_text(each) for each in spreads)])
        size = f"{workload.size.runs} x {workload.size.steps}"
        parts.append(f"{workload.name}: {BY_NAME[workload.name].title} ({size})\n{table(rows)}")
    return "\n\n".join(parts)


def _targets(samples: Samples) -> str:
    rows = [["What must come out", "at least", "aim", "measured (min-max)", "verdict"]]
    for target in TARGETS:
        spread = target.measured(samples)
        if spread is None:
            continue
        sign = "<= " if target.lower_is_better else ""
        limits = [f"{sign}{number(each)}{target.unit}" for each in (target.at_least, target.aim)]
        verdict = target.verdict(spread.median)
        rows.append([target.title, *limits, spread_text(spread), verdict])
    return table(rows) if len(rows) > 1 else ""


def _target_json(target: Target, samples: Samples) -> dict[str, Any]:
    spread = target.measured(samples)
    return {
        "title": target.title,
        "at_least": target.at_least,
        "aim": target.aim,
        "median": spread and spread.median,
        "low": spread and spread.low,
        "high": spread and spread.high,
        "verdict": spread and target.verdict(spread.median),
    }
