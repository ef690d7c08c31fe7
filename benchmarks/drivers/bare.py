"""A Celery worker in a Django project without this app: what a worker weighs anyway."""

from __future__ import annotations

from benchmarks.doorbell import Doorbell
from benchmarks.drivers import django_setup as host
from benchmarks.drivers.protocol import About, Driver, serve
from benchmarks.drivers.workers import CeleryWorker, drop_queue, memory_over
from benchmarks.figures import Raw
from benchmarks.hosts.django_app.celery_app import touch
from benchmarks.workloads import Size


class Bare(Driver):
    """Drives a task that uses the database once."""

    def __init__(self) -> None:
        self._bell = Doorbell()

    def about(self) -> About:
        """Describe it."""
        return About(
            versions=host.versions("Django", "celery"),
            settings=f"Django with auth, prefork -c 1, {host.database_settings()}",
            durability="none of its own",
        )

    def warm_up(self) -> None:
        """Nothing: its one workload starts its own worker."""

    def close(self) -> None:
        """Remove the pipe."""
        self._bell.close()

    def memory(self, size: Size) -> Raw:
        """Measure the worker's child before and after many tasks."""
        worker = CeleryWorker(host.APP, queue=host.QUEUE, processes=1)
        try:
            return memory_over(worker, size.runs, self._touch)
        finally:
            worker.stop()
            drop_queue(host.app, host.QUEUE)

    def _touch(self, count: int) -> None:
        for each in range(count):
            touch.apply_async((self._bell.path, str(each)))
        self._bell.wait_for({str(each) for each in range(count)})


if __name__ == "__main__":
    serve(Bare)
