"""The trial: chains with nothing else going on, then chains beside a process that prunes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from benchmarks.doorbell import Doorbell
from benchmarks.figures import percentile
from benchmarks.hosts.django_app import workflows
from benchmarks.hosts.django_app.celery_app import app
from benchmarks.pruning.history import STEPS, make_runs, tell_planner
from benchmarks.pruning.place import start_pruner, workers
from gorkflow.models import WorkflowRun

DAYS = 30.0
WORKERS = 2


def conduct(
    old: int, young: int, chains: int, log: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run it; return the figures, and under "wrong" what should not be."""
    say(f"making {old + young} runs of {STEPS} steps")
    seconds = make_runs(old, days=DAYS + 1) + make_runs(young, days=DAYS - 1)
    tell_planner()
    app.set_default()
    bell = Doorbell()
    try:
        with workers(WORKERS, bell.path, log):
            # Until both workers have started and the caches are warm.
            _chains(bell, 20, lambda: False)
            say(f"{chains} chains without pruning")
            alone = _chains(bell, chains, lambda: False)
            say(f"chains while {old} runs are pruned")
            pruner = start_pruner(DAYS)
            beside = _chains(bell, 1, lambda: pruner.poll() is None)
            told, _ = pruner.communicate()
    finally:
        bell.close()
    if pruner.returncode:
        raise RuntimeError(f"the process that prunes ended with {pruner.returncode}")
    figures = {
        "database": connection.vendor,
        "old": old,
        "young": young,
        "made_seconds": seconds,
        "alone": alone,
        "beside": beside,
        **json.loads(told),
    }
    return figures | {"wrong": _wrong(figures)}


def _chains(bell: Doorbell, least: int, go_on: Callable[[], bool]) -> list[float]:
    """Run ten-step chains one after the other, at least so many; return their milliseconds."""
    took: list[float] = []
    while len(took) < least or go_on():
        began = time.perf_counter()
        bell.wait_for({str(workflows.chain.start(0).id)})
        took.append((time.perf_counter() - began) * 1000)
    return took


def _wrong(figures: Mapping[str, Any]) -> list[str]:
    runs = WorkflowRun.objects.order_by()
    young = runs.filter(workflow_id="old").count()
    unfinished = runs.filter(workflow_id="chain").exclude(status="COMPLETED").count()
    wrong = []
    if figures["runs"] != figures["old"] or young != figures["young"]:
        wrong.append(f"{figures['runs']} of {figures['old']} runs were pruned, {young} are left")
    if unfinished:
        wrong.append(f"{unfinished} chains did not complete")
    for table in ("stepexecution", "runstate"):
        expected = young * (STEPS if table == "stepexecution" else 1)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM gorkflow_{table} AS row_of JOIN gorkflow_workflowrun AS run"
                " ON run.id = row_of.run_id WHERE run.workflow_id = 'old'"
            )
            found = cursor.fetchone()[0]
        if found != expected:
            wrong.append(f"{found} rows in {table} instead of {expected}")
    return wrong


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures as a Markdown table."""
    # The last one of each status found nothing more to do.
    batches = figures["batches"]
    rows = {
        "runs made": f"{figures['old'] + figures['young']:,} with {STEPS} steps each,"
        f" in {figures['made_seconds']:.0f} s",
        "runs pruned": f"{figures['runs']:,}",
        "seconds": f"{figures['seconds']:.1f}",
        "runs/s": f"{figures['runs'] / figures['seconds']:,.0f}",
        "batches": f"{len(batches):,}: p50 {percentile(batches, 0.5) * 1000:.0f} ms,"
        f" p95 {percentile(batches, 0.95) * 1000:.0f} ms, slowest {max(batches) * 1000:.0f} ms",
        f"ten-step chain on {WORKERS} workers, without pruning": _latency(figures["alone"]),
        "the same while pruning": _latency(figures["beside"]),
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([f"| {figures['database']} | Figures |", "| --- | --- |", *lines])


def _latency(milliseconds: list[float]) -> str:
    p50, p95 = (percentile(milliseconds, share) for share in (0.50, 0.95))
    return (
        f"{len(milliseconds):,} chains: p50 {p50:.0f} ms, p95 {p95:.0f} ms,"
        f" slowest {max(milliseconds):.0f} ms"
    )
