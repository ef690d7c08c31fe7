"""Servers, connections to them, and threads that wait at known places."""

import importlib.util
import os
import threading

import pytest
from django.db import connections

from tests.libsql.servers import Server, find_sqld


def need(what):
    """Skip on a laptop that does not have it; CI has to have it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not here")


@pytest.fixture(scope="session", autouse=True)
def _driver():
    if importlib.util.find_spec("libsql_client") is None:
        need("the driver (pip install 'django-gorkflow[libsql]')")


@pytest.fixture(scope="session")
def start_server(tmp_path_factory):
    """Return a function that starts a server, with options; it is stopped at the end."""
    if find_sqld() is None:
        need("sqld (on PATH, or named by the variable SQLD)")
    started = []

    def start(*options):
        started.append(Server(tmp_path_factory.mktemp("sqld"), *options))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def shared_server(start_server):
    """A server for all tests that leave it running."""
    return start_server()


@pytest.fixture
def own_server(start_server):
    """A server for one test, which may stop it."""
    server = start_server()
    yield server
    server.kill()


@pytest.fixture
def attach(django_db_blocker):
    """Return a function that makes a database alias for a server, with empty tables."""
    from tests.libsql.models import ALL

    aliases = []

    def attach_to(server, alias="libsql", *, tables=True, **settings):
        connections.settings[alias] = connections.configure_settings(
            {
                "default": {},
                alias: {"ENGINE": "gorkflow.db.libsql", "NAME": server and server.url, **settings},
            }
        )[alias]
        if alias in aliases:
            connections[alias].close()
            del connections[alias]
        else:
            aliases.append(alias)
        connection = connections[alias]
        if tables:
            made = set(connection.introspection.table_names())
            for model in ALL:
                if model._meta.db_table not in made:
                    with connection.schema_editor() as editor:
                        editor.create_model(model)
                else:
                    model.objects.using(alias).all().delete()
        return connection

    with django_db_blocker.unblock():
        yield attach_to
        for alias in aliases:
            connections[alias].close()
            del connections[alias]
            del connections.settings[alias]


@pytest.fixture
def libsql(attach, shared_server):
    """A connection to the shared server; `libsql.alias` names it to the ORM."""
    return attach(shared_server)


@pytest.fixture
def elsewhere(libsql):
    """Return a function that runs another in a thread, which has a connection of its own."""
    del libsql

    def run(act):
        found = []

        def body():
            try:
                found.append(act())
            except Exception as error:  # noqa: BLE001
                found.append(error)
            finally:
                connections["libsql"].close()

        thread = threading.Thread(target=body)
        thread.start()
        thread.join(30)
        assert found, "the other thread has not ended"
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    return run
