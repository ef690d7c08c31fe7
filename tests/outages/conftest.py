"""Servers of the tests' own, and this process on their databases."""

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import dj_database_url
import pytest
from django.core.management import call_command
from django.db import connections

from servers.base import MissingServerError
from servers.brokers import BROKERS
from servers.mariadb import MariaDB
from servers.postgresql import Postgres
from tests.process.conftest import gate  # noqa: F401  a fixture
from tests.process.workers import Worker


@pytest.fixture(scope="session")
def servers_home():
    """Return a directory that servers which run as another user can reach."""
    home = Path(tempfile.mkdtemp(prefix="gorkflow-outages-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


def need(what):
    """Skip on a laptop that does not have it; CI has to have it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not here")


@contextmanager
def running(server):
    """Start a server, and stop it in the end; skip where it is not installed, unless in CI."""
    try:
        getattr(server, "create", server.start)()
        yield server
    except MissingServerError as error:
        need(str(error))
    finally:
        server.resume()
        server.stop()


@contextmanager
def using_database(url):
    """Let the default database of this process, and of workers that it starts, be that one."""
    kept, wrapper = connections.settings["default"], connections["default"]
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = url
    parsed = {"default": dj_database_url.parse(url)}
    connections.settings["default"] = connections.configure_settings(parsed)["default"]
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = kept
        connections["default"] = wrapper
        del os.environ["DATABASE_URL"]
        if before is not None:
            os.environ["DATABASE_URL"] = before


@pytest.fixture(scope="session")
def postgres_server(servers_home, django_db_blocker):
    with running(Postgres(servers_home / "postgres")) as server:
        with django_db_blocker.unblock(), using_database(server.url):
            call_command("migrate", verbosity=0)
        yield server


@pytest.fixture(scope="session")
def mariadb_server(servers_home, django_db_blocker):
    pytest.importorskip("MySQLdb", reason="mysqlclient is not installed")
    with running(MariaDB(servers_home / "mariadb")) as server:
        with django_db_blocker.unblock(), using_database(server.url):
            call_command("migrate", verbosity=0)
        yield server


@contextmanager
def clean(server, blocker):
    with blocker.unblock(), using_database(server.url):
        call_command("flush", verbosity=0, interactive=False)
        yield server


@pytest.fixture
def postgres(postgres_server, django_db_blocker):
    """Return a PostgreSQL that may be stopped, with this process on it."""
    with clean(postgres_server, django_db_blocker) as server:
        yield server


@pytest.fixture
def mariadb(mariadb_server, django_db_blocker):
    """Return a MariaDB that may be stopped, with this process on it."""
    with clean(mariadb_server, django_db_blocker) as server:
        yield server


@pytest.fixture(params=["redis", pytest.param("rabbitmq", marks=pytest.mark.long)])
def broker(request, tmp_path, publishing):
    """Return a broker that may be stopped, with this process publishing to it."""
    with running(BROKERS[request.param](tmp_path / request.param)) as server:
        publishing(server.url)
        yield server


@pytest.fixture
def start_worker(broker, tmp_path):
    """Start workers on this process's database that are stopped at the end of the test."""
    started = []

    def start(*options, **how):
        log = tmp_path / f"worker-{len(started)}.log"
        worker = Worker(broker.url, log, *options, **how)
        started.append(worker)
        return worker

    yield start
    for worker in started:
        with suppress(ProcessLookupError):
            worker.stop()
