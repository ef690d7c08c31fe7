"""A cursor for the plain fast path, in a transaction of its own or the caller's."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connections

from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.hot.direct import is_unwatched, make_ready
from gorkflow.stores.orm.hot.plain_statements import Statements
from gorkflow.stores.orm.transactions import write_transaction


@lru_cache(maxsize=256)
def _text(statement: Statements, vendor: str) -> str:
    sql, _ = _time(vendor, 0.0)
    return statement.value.format(
        now=sql.replace("%s", "%(now)s"),
        lease_end=sql.replace("%s", "%(lease)s"),
        deadline=sql.replace("%s", "%(deadline)s"),
        # SQLite's transaction has the whole file.
        lock="" if vendor == "sqlite" else "FOR UPDATE",
    )


@lru_cache(maxsize=256)
def _raw_text(statement: Statements) -> str:
    """Return the text as SQLite itself takes it."""
    return re.sub(r"%\((\w+)\)s", r":\1", _text(statement, "sqlite")).replace("%%", "%")


@lru_cache(maxsize=256)
def _time(vendor: str, seconds: float) -> tuple[str, Any]:
    sql, (value,) = getattr(DatabaseTime(seconds), f"as_{vendor}")(None, None)
    return sql, value


TIMES = frozenset({"lease", "deadline"})
"""Parameters that are seconds from now."""


class Session:
    """A cursor that knows how its database writes times and ids.

    Args:
        connection: Django's.
        cursor: one of it, or the driver's own.
        raw: whether it is the driver's own.

    """

    def __init__(self, connection: Any, cursor: Any, *, raw: bool = False) -> None:
        # Any: the wrappers of Django's backends have no common type that says all this.
        self._connection = connection
        self._cursor = cursor
        self._raw = raw
        self._vendor: str = connection.vendor
        self.is_alone = self._vendor == "sqlite"
        """Whether a transaction has the whole database, and rows need no locks."""
        self._keeps_uuids: bool = connection.features.has_native_uuid_field

    def rows(self, statement: Statements, **values: Any) -> list[tuple[Any, ...]]:
        """Return what it selects."""
        self._execute(statement, values)
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found

    def change(self, statement: Statements, **values: Any) -> int:
        """Return how many rows it changed."""
        self._execute(statement, values)
        count: int = self._cursor.rowcount
        return count

    def insert(self, statement: Statements, **values: Any) -> int:
        """Return the key of the row it inserted."""
        self._execute(statement, values)
        key: int = self._cursor.lastrowid
        return key

    def time(self, value: Any) -> datetime | None:
        """Return a time as it was read."""
        if value is None:
            return None
        found: datetime = self._connection.ops.convert_datetimefield_value(
            value, None, self._connection
        )
        return found

    def _execute(self, statement: Statements, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, UUID):
                values[name] = value if self._keeps_uuids else value.hex
            elif name in TIMES:
                values[name] = _time(self._vendor, value)[1]
        values["now"] = _time(self._vendor, 0.0)[1]
        text = _raw_text(statement) if self._raw else _text(statement, self._vendor)
        self._cursor.execute(text, values)


@contextmanager
def reading(using: str) -> Iterator[Session]:
    """Open a session that reads."""
    with connections[using].cursor() as cursor:
        yield Session(connections[using], cursor)


@contextmanager
def writing(using: str) -> Iterator[Session]:
    """Open a session in a transaction that writes."""
    connection: Any = connections[using]
    if _may_go_directly(connection):
        with _directly(connection) as session:
            yield session
        return
    with write_transaction(using), connection.cursor() as cursor:
        yield Session(connection, cursor)


def _may_go_directly(connection: Any) -> bool:
    """Tell whether it is SQLite's own driver, outside a transaction, and nobody listens.

    Whoever wants to see statements (a log, a debug toolbar, a test that counts) is shown them.
    """
    return isinstance(connection.connection, sqlite3.Connection) and is_unwatched(connection)


@contextmanager
def _directly(connection: Any) -> Iterator[Session]:
    """Do without Django's cursor and `atomic`, which cost as much as what SQLite does."""
    make_ready(connection)
    driver = connection.connection
    with connection.wrap_database_errors:
        cursor = driver.execute("BEGIN IMMEDIATE")
        try:
            yield Session(connection, cursor, raw=True)
            cursor.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                driver.rollback()
            raise
        finally:
            cursor.close()
