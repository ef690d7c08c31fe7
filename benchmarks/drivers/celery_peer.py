"""Celery's own workflows: chain, group and chord, with a result backend."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

from celery import chain, chord, group

from benchmarks.drivers.protocol import About, Driver, serve
from benchmarks.drivers.timing import at_once, calls_only, one_by_one
from benchmarks.drivers.workers import CeleryWorker, drop_queue
from benchmarks.figures import Raw
from benchmarks.hosts.celery_peer import PREFETCH, add, app, carry, gather, total
from benchmarks.workloads import PAYLOAD_BYTES, Size, patience

QUEUE = os.environ["GORKFLOW_BENCH_QUEUE"]
PARCEL = {"text": "x" * PAYLOAD_BYTES, "number": 0}


def sequence(length: int, task: Any = add, value: Any = 0) -> Any:
    """Return a chain of so many tasks."""
    return chain(task.s(value), *(task.s() for _ in range(length - 1)))


def fan(width: int, task: Any = add, join: Any = total, value: Any = 0) -> Any:
    """Return one task, then many, then one."""
    return chain(task.s(value), group(task.s() for _ in range(width)), join.s())


def wait(result: Any) -> None:
    """Wait for a result as the client of a canvas does."""
    result.get(timeout=patience())


class CeleryPeer(Driver):
    """Drives canvases through a broker and two worker processes."""

    def __init__(self) -> None:
        self._worker = CeleryWorker("benchmarks.hosts.celery_peer", queue=QUEUE)

    def about(self) -> About:
        """Describe it."""
        broker, results = (url.split(":")[0] for url in (app.conf.broker_url, _results()))
        return About(
            versions=f"Python {platform.python_version()}, celery {version('celery')}, "
            f"kombu {version('kombu')}",
            settings=f"broker {broker}, results {results}, prefork -c 2, prefetch {PREFETCH}, "
            "transient messages, early ack (Celery's guide, Optimizing)",
            durability="none: a task that a dead worker held is lost, and its chain with it",
        )

    def warm_up(self) -> None:
        """Run each kind once."""
        for result in [sequence(10).apply_async() for _ in range(20)]:
            wait(result)
        wait(fan(10).apply_async())

    def close(self) -> None:
        """Stop the worker."""
        self._worker.stop()
        drop_queue(app, QUEUE)
        app.close()

    def chain(self, size: Size) -> Raw:
        """Run chains one by one."""
        # A new canvas each: one that is sent again keeps its ids, and its results are there.
        return one_by_one(size.runs, size.steps, lambda: wait(sequence(size.steps).apply_async()))

    def many(self, size: Size) -> Raw:
        """Start many chains and wait for all."""

        def act() -> None:
            for result in [sequence(size.steps).apply_async() for _ in range(size.runs)]:
                wait(result)

        return at_once(size.runs * size.steps, act)

    def fanout(self, size: Size) -> Raw:
        """Run one task, many, one."""
        return one_by_one(size.runs, size.steps + 2, lambda: wait(fan(size.steps).apply_async()))

    def wide(self, size: Size) -> Raw:
        """Run a chord."""
        canvas = chord((add.s(0) for _ in range(size.steps)), total.s())
        return at_once(size.steps + 1, lambda: wait(canvas.apply_async()))

    def long(self, size: Size) -> Raw:
        """Run one long chain."""
        return at_once(size.steps, lambda: wait(sequence(size.steps).apply_async()))

    def payload(self, size: Size) -> Raw:
        """Run chains and fan-outs with payloads, all at once."""

        def act() -> None:
            started = [
                fan(size.steps, carry, gather, PARCEL).apply_async()
                if each % 2
                else sequence(size.steps, carry, PARCEL).apply_async()
                for each in range(size.runs)
            ]
            for result in started:
                wait(result)

        odd = size.runs // 2
        return at_once(size.runs * size.steps + 2 * odd, act)

    def start(self, size: Size) -> Raw:
        """Time apply_async of a chain alone, on a queue that nobody consumes."""
        queue = f"{QUEUE}-nobody"
        raw = calls_only(size.runs, lambda: sequence(size.steps).apply_async(queue=queue))
        drop_queue(app, queue)
        return raw


def _results() -> str:
    return str(app.conf.result_backend)


if __name__ == "__main__":
    serve(CeleryPeer)
