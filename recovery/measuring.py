"""One measurement: steps that are held, the deaths of their workers, and who has them next."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from recovery.cases import Case
from recovery.workers import START_SECONDS, Worker, kill, manage, wait_for
from recovery.workflows import mark_of

SPREAD_SECONDS = 12.0
"""Deaths are spread over this time, longer than a heartbeat and a sweep are apart."""
PATIENCE = 180.0
START = """
import django
django.setup()
from recovery.workflows import held
for _ in range({runs}):
    print("started", held.start({directory!r}).id)
"""


def measure(
    case: Case, kills: int, *, environment: Mapping[str, str], directory: Path
) -> list[float]:
    """Kill so many workers in the middle of a step, with one more worker that lives.

    Args:
        case: what is killed.
        kills: how many steps lose their process.
        environment: the project's.
        directory: an empty one, for logs and marks.

    Returns:
        Seconds from each death until the step has begun again.

    Raises:
        StalledError: something has not happened in minutes.

    """
    # The one worker that is left has no brothers whose sweeps could help.
    victims = 1 if case.only_child else kills
    size = kills if case.only_child else 1
    with ExitStack() as ends:

        def start(name: str, size: int) -> Worker:
            worker = Worker(name, case.pool, size, environment=environment, logs=directory)
            ends.callback(worker.stop)
            return worker

        workers = [start(f"victim-{number}", size) for number in range(victims)]
        _wait_until_ready(workers)
        printed = manage(environment, "-c", START.format(runs=kills, directory=str(directory)))
        runs = re.findall(r"^started (\S+)$", printed, re.MULTILINE)
        marks = [mark_of(directory, run_id, 1) for run_id in runs]
        wait_for(lambda: all(mark.exists() for mark in marks), "steps to be held", PATIENCE)
        if not case.only_child:
            _wait_until_ready([start("survivor", 1)])
        deaths = _kill_all(case, marks, workers)
        again = [mark_of(directory, run_id, 2) for run_id in runs]
        wait_for(lambda: all(mark.exists() for mark in again), "steps to begin again", PATIENCE)
        return [mark.stat().st_mtime - death for mark, death in zip(again, deaths, strict=True)]


def _wait_until_ready(workers: Sequence[Worker]) -> None:
    wait_for(
        lambda: all(worker.is_ready() for worker in workers), "workers to be ready", START_SECONDS
    )


def _kill_all(case: Case, marks: Sequence[Path], workers: Sequence[Worker]) -> list[float]:
    """Kill each mark's process at a moment of its own; return when."""
    began, deaths = time.monotonic(), {}
    moments = [
        SPREAD_SECONDS * (number + random.random()) / len(marks) for number in range(len(marks))
    ]
    for mark, moment in zip(random.sample(marks, len(marks)), moments, strict=True):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        deaths[mark] = time.time()
        kill(int(mark.read_text()), workers, only_child=case.only_child)
    return [deaths[mark] for mark in marks]
