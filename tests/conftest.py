"""Fixtures for every test: the host's Celery app, where it publishes, and real workers."""

import os
import signal
import threading

import pytest
from kombu import pools

from gorkflow.engine import heartbeat
from tests.celery_app import app
from tests.process.workers import Worker

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it leaves in the background like that; some tests are about Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)

URLS = ("broker_url", "broker_read_url", "broker_write_url")


@pytest.fixture(scope="session", autouse=True)
def _celery_app():
    app.set_default()
    return app


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    """End the heartbeats before their database goes: an idle one keeps its connection a while."""
    yield
    heartbeat.IDLE_SECONDS = 0.0
    for thread in threading.enumerate():
        if thread.name == "gorkflow-heartbeat":
            thread.join(10)


@pytest.fixture
def publishing():
    """Return a function that lets this process publish to a broker, until the end of the test."""
    before = {name: app.conf[name] for name in URLS}
    yield lambda url: _publish_to(dict.fromkeys(URLS, url))
    _publish_to(before)


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


def _publish_to(urls):
    app.conf.update(urls)
    pools.reset()
    app._pool = app.amqp._producer_pool = None


@pytest.fixture
def sound(transactional_db):
    """Whatever the test leaves in the database agrees with itself."""
    yield
    from gorkflow.config import EngineConfig
    from gorkflow.invariants import Verifier

    verifier = Verifier("default", registry=None, config=EngineConfig())
    assert verifier.verify().findings == []
