"""Settings, tokens, and what is said where something is wrong."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import OperationalError

from gorkflow.stores.orm.transactions import FINISH_SECONDS
from tests.docs.documents import blocks, section, spans, table
from tests.libsql.servers import ROOT

KEY = "XCV7GEfPBqn_pkUxb8561lWZYNp_Gxf-WyevxrhE1NM"
"""Of a pair made for these tests: the server's, to check tokens by."""
TOKEN = (
    "eyJhbGciOiJFZERTQSIsInR5cCI6IkpXVCJ9.eyJhIjoicncifQ.hvZvShCazR9R7_FR6iSPfdCdXUFs"
    "uweG7mzD_MFvsNP3zD54WP9aiIorqFCm9ouXgSN3g-ow_YFpNqEmuy9WAg"
)


class Nowhere:
    """A server that there is not."""

    url = "libsql://127.0.0.1:1?tls=0"


@pytest.fixture(scope="module")
def locked_server(start_server, tmp_path_factory):
    """A server that wants a token."""
    key = tmp_path_factory.mktemp("key") / "key"
    key.write_text(KEY)
    return start_server("--auth-jwt-key-file", str(key))


def one(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


def test_a_token_is_given_as_password_or_in_the_url(attach, locked_server):
    assert one(attach(locked_server, PASSWORD=TOKEN, tables=False)) == 1
    url = f"{locked_server.url}&authToken={TOKEN}"
    assert one(attach(locked_server, alias="by_url", NAME=url, tables=False)) == 1


def test_a_wrong_token_is_refused_and_not_told(attach, locked_server):
    for token in ("", TOKEN[:-4] + "AAAA"):
        connection = attach(locked_server, PASSWORD=token, tables=False)
        with pytest.raises(OperationalError, match="cannot connect to the libSQL server") as caught:
            one(connection)
        assert TOKEN[:40] not in str(caught.value)


def test_a_server_that_is_away_is_an_operational_error(attach):
    with pytest.raises(OperationalError, match=r"cannot connect to .* ws://127\.0\.0\.1:1"):
        one(attach(Nowhere, tables=False))


def test_a_server_without_tls_is_told_how_to_be_named(attach, shared_server):
    connection = attach(shared_server, NAME=shared_server.url.partition("?")[0], tables=False)

    with pytest.raises(OperationalError, match=r"one without TLS needs \?tls=0"):
        one(connection)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"NAME": ""}, "NAME"),
        ({"NAME": "db.sqlite3"}, r"\['NAME'\] must be a URL, as in libsql://"),
        ({"NAME": "libsql://127.0.0.1:8080?tsl=0"}, r"\['NAME'\] is no libSQL URL: .*tsl"),
        ({"NAME": "ws://127.0.0.1:8080?tls=1"}, r"\['NAME'\] is no libSQL URL"),
        ({"OPTIONS": {"timeot": 3}}, r"\['OPTIONS'\] has \['timeot'\]; known are timeout"),
        ({"OPTIONS": {"timeout": 0}}, r"\['timeout'\] must be seconds above 0, not 0"),
        ({"OPTIONS": {"timeout": "3"}}, "must be seconds above 0, not '3'"),
        ({"OPTIONS": {"transaction_mode": "x"}}, "transaction_mode"),
    ],
)
def test_wrong_settings_are_named(attach, settings, told):
    with pytest.raises(ImproperlyConfigured, match=told):
        one(attach(Nowhere, tables=False, **settings))


def test_a_test_database_has_to_be_named(attach):
    connection = attach(Nowhere, tables=False)

    with pytest.raises(ImproperlyConfigured, match=r"\['TEST'\]\['NAME'\] must be the URL"):
        connection.creation.create_test_db(verbosity=0)


def test_a_database_that_no_tests_have_made_is_not_emptied(attach, shared_server):
    connection = attach(shared_server, TEST={"NAME": shared_server.url})

    with pytest.raises(ImproperlyConfigured, match="has tables that no tests have made"):
        connection.creation._create_test_db(verbosity=0, autoclobber=True)

    assert "libsql_tests_item" in connection.introspection.table_names()


def test_a_test_database_is_made_made_again_and_removed(attach, own_server):
    connection = attach(own_server, TEST={"NAME": own_server.url}, tables=False)
    connection.creation._create_test_db(verbosity=0, autoclobber=True)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        cursor.execute("CREATE TABLE child (parent REFERENCES parent)")
        cursor.execute("INSERT INTO parent VALUES (1)")
        cursor.execute("INSERT INTO child VALUES (1)")
        cursor.execute("CREATE VIEW seen AS SELECT * FROM child")
        cursor.execute("CREATE VIRTUAL TABLE found USING fts5(text)")

    # As after a run that was killed.
    connection.creation._create_test_db(verbosity=0, autoclobber=True)
    tables = connection.introspection.table_names()
    connection.creation._destroy_test_db(own_server.url, verbosity=0)

    assert tables == ["gorkflow_test_database"]
    assert connection.introspection.table_names() == []


@pytest.mark.parametrize(
    ("module", "name"),
    [("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched")],
)
def test_greenlets_are_refused(attach, monkeypatch, module, name):
    patched = type("Module", (), {name: staticmethod(lambda _name: True)})
    monkeypatch.setitem(sys.modules, module, patched)

    with pytest.raises(ImproperlyConfigured, match="does not work under gevent or eventlet"):
        one(attach(Nowhere, tables=False))


def test_without_the_driver_the_error_says_how_to_get_it():
    code = """
import sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "libsql_client":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Nowhere())
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "gorkflow.db.libsql", "NAME": "x"}})
import django
django.setup()
from django.db import connection
connection.ensure_connection()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "pip install 'django-gorkflow[libsql]'" in done.stderr.splitlines()[-1]


def test_dbshell_says_what_to_use(attach, shared_server):
    attach(shared_server, tables=False)

    with pytest.raises(CommandError, match="turso db shell"):
        call_command("dbshell", database="libsql")


def test_the_settings_of_the_documents_are_accepted(attach):
    (block,) = blocks("python libsql")
    names = {"os": os}
    exec(compile(block.text, block.place, "exec"), names)
    settings = names["DATABASES"]["default"]

    connection = attach(Nowhere, tables=False, **settings)
    params = connection.get_connection_params()

    assert params == {"url": "ws://127.0.0.1:8080", "token": None, "timeout": 30}
    assert connection.transaction_mode == "IMMEDIATE"
    assert connection.creation._get_test_db_name() == settings["TEST"]["NAME"]


def test_the_limits_of_the_documents_are_those_of_the_code():
    from gorkflow.db.libsql.errors import TRANSACTION_SECONDS
    from gorkflow.db.libsql.features import DatabaseFeatures
    from gorkflow.db.libsql.operations import MISSING
    from gorkflow.db.libsql.statements import MAX_REQUEST
    from gorkflow.db.libsql.times import FIRST_YEAR, LAST_YEAR

    text = (ROOT / "docs" / "libsql.md").read_text()
    told = {row[0]: row[1] for row in table("What the server does not do", text)}

    assert told["a transaction that writes, while others wait to"] == f"{TRANSACTION_SECONDS:g} s"
    limit = f"{TRANSACTION_SECONDS - FINISH_SECONDS:g} s"
    assert told["an `atomic=True` step"].startswith(limit)
    assert told["one statement with its parameters"] == f"{MAX_REQUEST // 1024**2} MiB"
    assert told["parameters"] == f"{DatabaseFeatures.max_query_params:,}".replace(",", " ")
    assert f"the years {FIRST_YEAR} to {LAST_YEAR}" in " ".join(text.split())
    missing = {each.__name__ for each in MISSING if not each.__name__.startswith("SHA")}
    assert missing <= set(spans(section("What the server does not do", text)))
