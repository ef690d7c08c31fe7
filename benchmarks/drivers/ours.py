"""This engine: runs that Celery workers execute."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.doorbell import Doorbell
from benchmarks.drivers import django_setup as host
from benchmarks.drivers.protocol import About, Driver, serve
from benchmarks.drivers.timing import at_once, calls_only, one_by_one
from benchmarks.drivers.workers import CeleryWorker, drop_queue, memory_over
from benchmarks.figures import Raw
from benchmarks.history import load_history
from benchmarks.hosts.django_app import workflows
from benchmarks.workloads import PAYLOAD_BYTES, Size, patience
from gorkflow import Workflow
from gorkflow.wiring import get_engine

TEXT = "x" * PAYLOAD_BYTES


class Ours(Driver):
    """Drives runs through a broker and two worker processes."""

    def __init__(self) -> None:
        self._bell = Doorbell()
        self._worker: CeleryWorker | None = None
        host.migrate()
        load_history(int(os.environ.get("GORKFLOW_BENCH_HISTORY", "0")))

    def about(self) -> About:
        """Describe it."""
        return About(
            versions=host.versions("django-gorkflow", "Django", "celery", "pydantic"),
            settings=f"README's settings, prefork -c 2, {host.database_settings()}",
            durability="each step's result is committed before the next one begins; "
            "any worker continues a dead worker's run",
        )

    def warm_up(self) -> None:
        """Start the worker, and run each kind once."""
        self._worker = self._start_worker()
        self._all_ended(workflows.chain.start(0) for _ in range(20))
        for each in (workflows.fanout, workflows.heavy_fanout):
            self._run(each, self._value_for(each))

    def close(self) -> None:
        """Stop the worker."""
        if self._worker is not None:
            self._worker.stop()
            drop_queue(host.app, host.QUEUE)
        self._bell.close()

    def chain(self, size: Size) -> Raw:
        """Run chains one by one."""
        return one_by_one(size.runs, size.steps, lambda: self._run(workflows.chain, 0))

    def many(self, size: Size) -> Raw:
        """Start many chains and wait for all."""
        runs = range(size.runs)
        act = lambda: self._all_ended(workflows.chain.start(0) for _ in runs)  # noqa: E731
        return at_once(size.runs * size.steps, act)

    def fanout(self, size: Size) -> Raw:
        """Run one step, many, one."""
        return one_by_one(size.runs, size.steps + 2, lambda: self._run(workflows.fanout, 0))

    def wide(self, size: Size) -> Raw:
        """Run many entry steps and one that joins them."""
        return at_once(size.steps + 1, lambda: self._run(workflows.wide, 0))

    def long(self, size: Size) -> Raw:
        """Run one long chain."""
        return at_once(size.steps, lambda: self._run(workflows.long, 0))

    def longest(self, size: Size) -> Raw:
        """Run one very long chain."""
        return at_once(size.steps, lambda: self._run(workflows.longest, 0))

    def payload(self, size: Size) -> Raw:
        """Run chains and fan-outs with payloads, all at once."""
        kinds = (workflows.heavy_chain, workflows.heavy_fanout)
        mixed = [kinds[each % 2] for each in range(size.runs)]
        steps = sum(len(each.steps) for each in mixed)
        return at_once(
            steps, lambda: self._all_ended(each.start(self._value_for(each)) for each in mixed)
        )

    def start(self, size: Size) -> Raw:
        """Time the start alone, on a queue that nobody consumes."""
        started = []
        raw = calls_only(size.runs, lambda: started.append(workflows.waiting.start(0)))
        # Messages are sent beside the calls: what is left of that counts as theirs.
        began = time.perf_counter()
        get_engine().dispatcher.flush()
        rest = (time.perf_counter() - began) * 1000 / size.runs
        raw = Raw(latencies_ms=[each + rest for each in raw.latencies_ms])
        for each in started:
            # Left alone, the sweep would send them again in the midst of later turns.
            each.cancel()
        drop_queue(host.app, f"{host.QUEUE}-nobody")
        return raw

    def recovery(self, _size: Size) -> Raw:
        """Kill the whole worker that holds a step, then only its child; another one is there."""
        whole = self._time_recovery(lambda worker, _pid: worker.kill())
        child = self._time_recovery(lambda _worker, pid: os.kill(pid, 9))
        return Raw(values={"after_lease_s": whole, "child_after_lease_s": child})

    def memory(self, size: Size) -> Raw:
        """Measure the child of a worker of its own, before and after many runs."""
        queue = f"{host.QUEUE}-memory"
        worker = self._start_worker(queue, processes=1, small=True)
        try:
            return memory_over(
                worker,
                size.runs,
                lambda count: self._all_ended(workflows.short.start(0) for _ in range(count)),
            )
        finally:
            worker.stop()
            drop_queue(host.app, queue)

    # Its parts

    def _start_worker(
        self, queue: str = host.QUEUE, *, processes: int = 2, small: bool = False
    ) -> CeleryWorker:
        extra = {
            workflows.ENDED_VARIABLE: self._bell.path,
            workflows.SMALL_VARIABLE: "1" if small else "0",
        }
        return CeleryWorker(host.APP, queue=queue, processes=processes, extra=extra)

    def _run(self, workflow: Workflow[Any, Any], value: Any) -> None:
        self._all_ended([workflow.start(value)])

    def _all_ended(self, runs: Iterable[Any]) -> None:
        self._bell.wait_for({str(run.id) for run in runs})

    def _value_for(self, workflow: Workflow[Any, Any]) -> Any:
        heavy = workflow in (workflows.heavy_chain, workflows.heavy_fanout)
        return workflows.Parcel(text=TEXT, number=0) if heavy else 0

    def _time_recovery(self, kill: Callable[[CeleryWorker, int], None]) -> float:
        """Return the seconds from the end of a killed step's lease to its next start."""
        assert self._worker is not None
        other = self._start_worker()
        with TemporaryDirectory() as gate:
            run = workflows.held.start(gate)
            pid = int(_text_of(Path(gate, "held-1")))
            pool = {each.pid for each in self._worker.children()}
            victim, left = (self._worker, other) if pid in pool else (other, self._worker)
            kill(victim, pid)
            lease_end = run.steps()[0].due_at
            _text_of(Path(gate, "held-2"))
            self._all_ended([run])
            again = run.steps()[0].started_at
        victim.stop()
        self._worker = left
        assert lease_end is not None
        assert again is not None
        return float((again - lease_end).total_seconds())


def _text_of(path: Path) -> str:
    """Wait for a file, and return what is in it."""
    deadline = time.monotonic() + patience()
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.02)
    raise TimeoutError(f"no {path.name} after {patience():g} s")


if __name__ == "__main__":
    serve(Ours)
