"""Celery workers as processes, for drivers that need some."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import psutil
from celery import Celery

from benchmarks.figures import Raw

STOP_SECONDS = 20.0
COMMON = ("--loglevel", "warning", "--without-gossip", "--without-mingle", "--without-heartbeat")


class CeleryWorker:
    """A `celery worker` with prefork children.

    Args:
        app: dotted path of its Celery app.
        queue: the one that it consumes.
        processes: its number of children.
        options: more of the command line.
        extra: environment variables of its own.

    """

    def __init__(
        self,
        app: str,
        *,
        queue: str,
        processes: int = 2,
        options: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
    ) -> None:
        name = f"bench-{os.getpid()}-{time.monotonic_ns()}@localhost"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", app, "worker", "--pool", "prefork"),
                *("--concurrency", str(processes), "--queues", queue),
                *("--hostname", name, *COMMON, *options),
            ],
            env={**os.environ, **(extra or {})},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        )
        self._tree = psutil.Process(self.process.pid)

    def children(self) -> list[psutil.Process]:
        """Return the pool's processes."""
        return [each for each in self._tree.children() if each.is_running()]

    def memory_mb(self) -> float:
        """Return the resident memory of its largest child, in MB of 1024 x 1024 bytes."""
        return float(max(each.memory_info().rss for each in self.children())) / 1024**2

    def kill(self) -> None:
        """Kill all of it at once, as a machine that loses power would."""
        for each in [self._tree, *self._tree.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait()

    def stop(self) -> None:
        """Let it end by itself, and insist after a while."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()


def drop_queue(app: Celery, name: str) -> None:
    """Drop a queue of the broker with what is in it, and the exchange that came with it."""
    with app.connection_for_write() as broker:
        queue = app.amqp.queues[name](broker.default_channel)
        queue.declare()
        queue.delete()
        if queue.exchange.name:
            queue.exchange.delete()


def memory_over(worker: CeleryWorker, runs: int, run_some: Callable[[int], None]) -> Raw:
    """Measure a worker's largest child before and after so many runs."""
    batch = min(200, max(1, runs // 10))
    run_some(batch)
    before = worker.memory_mb()
    for _ in range(runs // batch):
        run_some(batch)
    after = worker.memory_mb()
    return Raw(values={"before_mb": before, "after_mb": after, "growth_mb": after - before})
