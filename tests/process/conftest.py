"""A broker of the test's own, workers on it, and gates for their steps."""

import os

import pytest
from kombu import pools

from tests.celery_app import app
from tests.process.workers import Worker


@pytest.fixture
def broker(tmp_path):
    """Return the URL of an empty broker, and let this process publish to it."""
    url = os.environ.get("CELERY_BROKER_URL") or f"sqlitefile://{tmp_path}/broker.sqlite3"
    before = app.conf.broker_url
    _publish_to(url)
    yield url
    _publish_to(before)


def _publish_to(url):
    app.conf.update(broker_url=url, broker_write_url=url, broker_read_url=url)
    pools.reset()
    app._pool = app.amqp._producer_pool = None


@pytest.fixture
def publish_to(broker):
    """Return a function that lets this process publish elsewhere."""
    return _publish_to


@pytest.fixture
def start_worker(broker, tmp_path):
    """Start workers that are stopped at the end of the test."""
    started = []

    def start(*options, broker=broker):
        worker = Worker(broker, tmp_path / f"worker-{len(started)}.log", *options)
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
