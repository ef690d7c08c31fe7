"""Statements that PostgreSQL parses and plans once for a connection.

Drivers could prepare them, but Django turns that off for the sake of connection poolers, which
hand a session from client to client. These have names made of their text: whoever has prepared
one, it is the right one, and a session that does not know it says so before it does anything.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DataError, Error

from gorkflow.stores.orm.hot import direct


def _text(value: str) -> bytes:
    if "\0" in value:
        # libpq would cut the value there.
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return value.encode()


def _uuid(value: UUID) -> bytes:
    return b"%032x" % value.int


def _number(value: float) -> bytes:
    return repr(value).encode()


def _texts(values: list[str]) -> bytes:
    quoted = ['"' + each.replace("\\", "\\\\").replace('"', '\\"') + '"' for each in values]
    return _text("{" + ",".join(quoted) + "}")


def _numbers(values: list[int]) -> bytes:
    return ("{" + ",".join(map(str, values)) + "}").encode()


TEXT, UUIDS = ("text", _text), ("uuid", _uuid)
INTEGER, SECONDS = ("integer", _number), ("double precision", _number)
TEXTS, INTEGERS = ("text[]", _texts), ("integer[]", _numbers)
KINDS: dict[str, tuple[str, Callable[[Any], bytes]]] = {
    "run": UUIDS,
    "row": ("bigint", _number),
    "token": UUIDS,
    "taker": UUIDS,
    "rerun_of": UUIDS,
    "lease": SECONDS,
    "timeout": SECONDS,
    "priority": INTEGER,
    "total_steps": INTEGER,
    "sinks": INTEGER,
    "step_limit": INTEGER,
    "ids": TEXTS,
    "queues": TEXTS,
    "versions": TEXTS,
    "graphs": TEXTS,
    "position": INTEGER,
    "positions": INTEGERS,
    "pendings": INTEGERS,
    "takes": ("boolean[]", _numbers),
}
"""The type of each parameter that is no text, and how a value is written as the server reads it."""

UNKNOWN_NAME, KNOWN_NAME, CHANGED_TABLE = "26000", "42P05", "0A000"
_PARAMETER = re.compile(r"%\((\w+)\)s")


class Statement:
    """A statement with parameters by name."""

    def __init__(self, text: str) -> None:
        names = list(dict.fromkeys(_PARAMETER.findall(text)))
        body = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text)
        name = "gorkflow_" + hashlib.sha256(body.encode()).hexdigest()[:24]
        kinds = {each: KINDS.get(each, TEXT) for each in names}
        types = ", ".join(kind for kind, _ in kinds.values())
        values = ", ".join(f"%({each})s" for each in names)
        self.text = text
        self._writers = [(each, write) for each, (_, write) in kinds.items()]
        self.name = name.encode()
        self.prepare = f"PREPARE {name} ({types}) AS {body}"
        self.execute = f"EXECUTE {name} ({values})"

    def parameters(self, values: dict[str, Any]) -> list[bytes | None]:
        """Return the values of its parameters as the server reads them, in their order."""
        return [
            None if (value := values[name]) is None else write(value)
            for name, write in self._writers
        ]


PLAN_SECONDS = 5.0
"""How long a session's plans are used. PostgreSQL makes them anew when it has new statistics, and
until then reads a table from end to end that was small when they were made: in a burst it fills
within seconds, and autovacuum comes once a minute."""


class _Known(dict[Statement, bool]):
    """The statements that a session has seen, and whether they are prepared."""

    def __init__(self) -> None:
        super().__init__()
        self.plans_end = time.monotonic() + PLAN_SECONDS


_prepared: WeakKeyDictionary[Any, _Known] = WeakKeyDictionary()
"""What each of a driver's connections knows."""
_pooled: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""The driver's connections behind which sessions change."""


def rows_of(statement: Statement, values: dict[str, Any], connection: Any) -> list[tuple[Any, ...]]:
    """Execute a statement and return its rows."""
    found = _rows_directly(connection, statement, values)
    return _rows_by_cursor(connection, statement, values) if found is None else found


def _rows_directly(
    connection: Any, statement: Statement, values: dict[str, Any]
) -> list[tuple[Any, ...]] | None:
    """Execute what is prepared; None where a cursor has to."""
    session = connection.connection
    seen = None if session is None else _prepared.get(session)
    if seen is None or not seen.get(statement) or not direct.may_go_directly(connection):
        return None
    direct.make_ready(connection)
    if connection.connection is not session:
        return None
    _renew_plans(connection, seen)
    try:
        return direct.execute(connection, statement.name, statement.parameters(values))
    except Error as error:
        _pool_or_raise(session, error)
        return None


def _rows_by_cursor(
    connection: Any, statement: Statement, values: dict[str, Any]
) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        session = connection.connection
        # An error would end somebody's transaction, so nothing is tried inside one.
        if connection.in_atomic_block or session in _pooled:
            cursor.execute(statement.text, values)
        else:
            _execute(cursor, session, statement, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _execute(cursor: Any, session: Any, statement: Statement, values: dict[str, Any]) -> None:
    seen = _prepared.setdefault(session, _Known())
    try:
        _renew_plans(cursor.db, seen)
        if seen.get(statement) is False:
            _prepare(cursor, statement)
            seen[statement] = True
        if seen.get(statement):
            cursor.execute(statement.execute, values)
            return
    except Error as error:
        _pool_or_raise(session, error)
    # Once is not worth preparing: many connections live for one message.
    seen[statement] = False
    cursor.execute(statement.text, values)


def _renew_plans(connection: Any, seen: _Known) -> None:
    now = time.monotonic()
    if now < seen.plans_end:
        return
    seen.plans_end = now + PLAN_SECONDS
    # By the driver: whoever counts what is sent would find one more by chance.
    with connection.wrap_database_errors, connection.connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def _pool_or_raise(session: Any, error: Error) -> None:
    """Note that sessions change behind the connection, if that is what the error says."""
    if _code(error) not in (UNKNOWN_NAME, CHANGED_TABLE):
        raise error
    _pooled[session] = True
    _prepared.pop(session, None)


def _prepare(cursor: Any, statement: Statement) -> None:
    try:
        # Without parameters the driver takes no % for its own; there is none in the text.
        cursor.execute(statement.prepare)
    except Error as error:
        if _code(error) != KNOWN_NAME:
            raise


def _code(error: Error) -> str | None:
    """Return the SQLSTATE: psycopg's name for it, or that of its predecessor."""
    cause = error.__cause__
    code: str | None = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return code
