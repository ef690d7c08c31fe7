"""Executing a prepared statement without a cursor.

A cursor writes the values into the statement's text, which the server then parses: that costs more
than executing it. Here they go beside its name, by psycopg's own access to libpq. Whoever wants to
see statements (a log, a debug toolbar, a test that counts) is shown them: then a cursor is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import DataError

try:
    from psycopg import generators
    from psycopg.adapt import Transformer
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    HAS_DRIVER = True
except ImportError:  # psycopg2, or none of them
    HAS_DRIVER = False


def is_unwatched(connection: Any) -> bool:
    """Tell whether it is outside any transaction, and nobody listens to its statements."""
    return (
        connection.autocommit
        and not connection.in_atomic_block
        and not connection.queries_logged
        and not connection.execute_wrappers
    )


def make_ready(connection: Any) -> None:
    """Do what Django does before it makes a cursor."""
    connection.validate_thread_sharing()
    connection.close_if_health_check_failed()
    connection.ensure_connection()


def may_go_directly(connection: Any) -> bool:
    """Tell whether nobody listens to the statements of this connection, and its driver can."""
    return HAS_DRIVER and is_unwatched(connection) and hasattr(connection.connection, "pgconn")


def execute(connection: Any, name: bytes, values: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Execute a prepared statement outside any transaction, and return its rows.

    Args:
        connection: Django's, with a psycopg connection in it.
        name: of the statement, as it was prepared.
        values: of its parameters, in their order.

    Raises:
        django.db.Error: whatever the database reports.

    """
    session = connection.connection
    parameters = [_text(value) for value in values]
    with connection.wrap_database_errors, session.lock:
        session.pgconn.send_query_prepared(name, parameters)
        result = session.wait(generators.execute(session.pgconn))[-1]
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result, encoding=session.info.encoding)
        rows = Transformer(session)
        rows.set_pgresult(result)
        found: list[tuple[Any, ...]] = rows.load_rows(0, result.ntuples, tuple)
    return found


def _text(value: Any) -> bytes | None:
    """Return a value as the server reads it."""
    if value is None:
        return None
    if isinstance(value, str):
        return _encoded(value)
    if isinstance(value, UUID):
        return value.hex.encode()
    if isinstance(value, list):
        return _encoded("{" + ",".join(_item(each) for each in value) + "}")
    return str(value).encode()


def _encoded(text: str) -> bytes:
    if "\0" in text:
        # libpq would cut the value there.
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return text.encode()


def _item(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)
