"""A broker of the test's own, workers on it, and gates for their steps."""

import os

import pytest

from tests.process.workers import Worker


@pytest.fixture
def broker(tmp_path, publishing):
    """Return the URL of an empty broker, and let this process publish to it."""
    url = os.environ.get("CELERY_BROKER_URL") or f"sqlitefile://{tmp_path}/broker.sqlite3"
    publishing(url)
    return url


@pytest.fixture
def start_worker(sound, broker, tmp_path):
    """Start workers that are stopped at the end of the test."""
    started = []

    def start(*options, broker=broker, **how):
        worker = Worker(broker, tmp_path / f"worker-{len(started)}.log", *options, **how)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def gate(tmp_path):
    """Return a directory for marks and gates."""
    directory = tmp_path / "gate"
    directory.mkdir()
    return directory
