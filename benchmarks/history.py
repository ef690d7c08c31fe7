"""Old runs by the million, put into the tables by the database itself."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from django.db import ProgrammingError, connection

STEPS = 10
BATCH = 50_000
"""Runs in one transaction."""

RUNS = """
INSERT INTO gorkflow_workflowrun (
    id, workflow_id, workflow_version, definition_id, status, priority, resource_id, tags, input,
    output, started_by, total_steps, open_sinks, created_at, started_at, ended_at)
SELECT md5('run' || n)::uuid, 'chain', '1', 'history', 'COMPLETED', 5, 'order-' || n,
    '{"tenant": "acme"}', '0', '10', '', %(steps)s, 0, ended - interval '1 s', ended, ended
FROM (SELECT n, now() - %(age)s * interval '1 s' - n * interval '1 s' AS ended
      FROM generate_series(%(first)s, %(last)s) AS n) AS numbered"""
STEPS_OF_RUNS = """
INSERT INTO gorkflow_stepexecution (
    run_id, step_id, map_index, position, status, pending, queue, worker, attempt, failures,
    crashes, progress, progress_note, output, ready_at, started_at, ended_at)
SELECT md5('run' || n)::uuid, 's' || p, 0, p, 'COMPLETED', 0, 'celery', 'host:1:MainThread', 1, 0,
    0, 0, '', '1', ended, ended, ended
FROM (SELECT n, now() - %(age)s * interval '1 s' - n * interval '1 s' AS ended
      FROM generate_series(%(first)s, %(last)s) AS n) AS numbered,
    generate_series(0, %(steps)s - 1) AS p"""
SNAPSHOT = """
INSERT INTO gorkflow_definitionsnapshot (
    fingerprint, workflow_id, workflow_version, graph, created_at)
VALUES ('history', 'chain', '1', '[]', now()) ON CONFLICT DO NOTHING"""


def load_history(runs: int, *, age: float = 86_400.0) -> None:
    """Insert so many COMPLETED runs of ten steps each; PostgreSQL only.

    One ended in each second, the last of them `age` seconds ago.
    """
    if not runs:
        return
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute(SNAPSHOT)
        for first in range(1, runs + 1, BATCH):
            last = min(first + BATCH - 1, runs)
            wanted = {"first": first, "last": last, "steps": STEPS, "age": age}
            cursor.execute(RUNS, wanted)
            cursor.execute(STEPS_OF_RUNS, wanted)
        cursor.execute("VACUUM (ANALYZE) gorkflow_workflowrun, gorkflow_stepexecution")
        cursor.execute("SET synchronous_commit = on")
        # Old rows have been on the disk for long: what is measured does not pay for writing them.
        with suppress(ProgrammingError):  # it is not everybody's to ask for
            cursor.execute("CHECKPOINT")
    seconds = time.monotonic() - began
    sys.stderr.write(f"history: {runs} runs of {STEPS} steps in {seconds:.0f} s\n")
