"""A cursor for the plain fast path, in a transaction of its own or the caller's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from gorkflow.stores.orm.hot.direct import is_unwatched, make_ready
from gorkflow.stores.orm.hot.spelling import Spelling, Statement, time_in
from gorkflow.stores.orm.transactions import write_transaction


class Session:
    """A cursor that knows how its database writes times and ids.

    Args:
        connection: Django's.
        cursor: one of it.

    """

    def __init__(self, connection: Any, cursor: Any) -> None:
        # Any: the wrappers of Django's backends have no common type that says all this.
        self._connection = connection
        self._cursor = cursor
        self._vendor: str = connection.vendor
        self.is_alone = self._vendor == "sqlite"
        """Whether a transaction has the whole database, and rows need no locks."""

    def rows(self, statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
        """Return what it selects."""
        self._execute(statement, values)
        found: list[tuple[Any, ...]] = self._cursor.fetchall()
        return found

    def change(self, statement: Statement, **values: Any) -> int:
        """Return how many rows it changed."""
        self._execute(statement, values)
        count: int = self._cursor.rowcount
        return count

    def insert(self, statement: Statement, **values: Any) -> int:
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

    def _execute(self, statement: Statement, values: dict[str, Any]) -> None:
        spelling = self._spelling(statement)
        if not self._connection.features.has_native_uuid_field:
            for name in spelling.ids:
                if (value := values[name]) is not None:
                    values[name] = value.hex
        for name in spelling.times:
            values[name] = time_in(self._vendor, values[name])[1]
        self._cursor.execute(spelling.text, values)

    def _spelling(self, statement: Statement) -> Spelling:
        return statement.spelled(self._vendor)


class RawSession(Session):
    """A transaction of SQLite's own driver.

    Django's cursor and `atomic` cost as much as what SQLite does.
    """

    def __init__(self, connection: Any) -> None:
        make_ready(connection)
        self._driver = connection.connection
        super().__init__(connection, self._driver.cursor())

    def __enter__(self) -> Self:
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except self._connection.Database.Error:
            with self._connection.wrap_database_errors:
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                raise error
            self._cursor.execute("COMMIT")
        except BaseException:
            with suppress(self._connection.Database.Error):
                self._driver.rollback()
            with self._connection.wrap_database_errors:
                raise
        finally:
            self._cursor.close()

    def _spelling(self, statement: Statement) -> Spelling:
        return statement.raw()


@contextmanager
def reading(connection: Any) -> Iterator[Session]:
    """Open a session that reads."""
    with connection.cursor() as cursor:
        yield Session(connection, cursor)


def writing(connection: Any) -> AbstractContextManager[Session]:
    """Open a session in a transaction that writes."""
    return RawSession(connection) if _may_go_directly(connection) else _inside_django(connection)


@contextmanager
def _inside_django(connection: Any) -> Iterator[Session]:
    with write_transaction(connection.alias), connection.cursor() as cursor:
        yield Session(connection, cursor)


def _may_go_directly(connection: Any) -> bool:
    """Tell whether it is SQLite's own driver, outside a transaction, and nobody listens.

    Whoever wants to see statements (a log, a debug toolbar, a test that counts) is shown them.
    """
    if connection.vendor != "sqlite" or not is_unwatched(connection):
        return False
    import sqlite3  # noqa: PLC0415  one megabyte that a worker of another database has no use for

    return isinstance(connection.connection, sqlite3.Connection)
