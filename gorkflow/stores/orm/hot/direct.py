"""Executing a prepared statement without a cursor.

A cursor writes the values into the statement's text, which the server then parses: that costs more
than executing it. Here they go beside its name, by psycopg's own access to libpq. Whoever wants to
see statements (a log, a debug toolbar, a test that counts) is shown them: then a cursor is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BIGINT = 20
"""The server's number of the type; rows of nothing else need no loader for each of them."""

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
    """Do what Django does before it makes a cursor of a connection that is this thread's own."""
    if not connection.health_check_done:
        connection.close_if_health_check_failed()
    # Refuses async code, too.
    connection.ensure_connection()


def may_go_directly(connection: Any) -> bool:
    """Tell whether nobody listens to the statements of this connection, and its driver can."""
    return HAS_DRIVER and is_unwatched(connection) and hasattr(connection.connection, "pgconn")


def execute(
    connection: Any, name: bytes, parameters: Sequence[bytes | None]
) -> list[tuple[Any, ...]]:
    """Execute a prepared statement outside any transaction, and return its rows.

    Args:
        connection: Django's, with a psycopg connection in it.
        name: of the statement, as it was prepared.
        parameters: their values as the server reads them, in their order.

    Raises:
        django.db.Error: whatever the database reports.

    """
    session = connection.connection
    with connection.wrap_database_errors, session.lock:
        session.pgconn.send_query_prepared(name, parameters)
        result = session.wait(generators.execute(session.pgconn))[-1]
        if result.status != ExecStatus.TUPLES_OK:
            raise error_from_result(result, encoding=session.info.encoding)
        if all(result.ftype(column) == BIGINT for column in range(result.nfields)):
            return [_numbers(result, row) for row in range(result.ntuples)]
        rows = Transformer(session)
        rows.set_pgresult(result)
        found: list[tuple[Any, ...]] = rows.load_rows(0, result.ntuples, tuple)
    return found


def _numbers(result: Any, row: int) -> tuple[int | None, ...]:
    texts = [result.get_value(row, column) for column in range(result.nfields)]
    return tuple([None if text is None else int(text) for text in texts])
