"""The wrapper that Django uses: Django's own for SQLite, over the driver of django-libsql."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Any, cast
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLiteWrapper
from django.utils.asyncio import async_unsafe

from gorkflow.db.libsql.client import DatabaseClient
from gorkflow.db.libsql.connection import Connection, Cursor
from gorkflow.db.libsql.creation import DatabaseCreation
from gorkflow.db.libsql.driver import (
    Database,
    LibsqlError,
    StockWrapper,
    expand_url,
    socket_url,
)
from gorkflow.db.libsql.errors import TRANSACTION_SECONDS
from gorkflow.db.libsql.features import DatabaseFeatures
from gorkflow.db.libsql.operations import DatabaseOperations

SCHEMES = ("libsql", "ws", "wss")
OPTIONS = {"timeout", "transaction_mode"}
TIMEOUT = 30.0


class DatabaseWrapper(SQLiteWrapper, StockWrapper):
    """A connection to a libSQL server.

    `NAME` is the server's URL, `PASSWORD` its token if it wants one. `OPTIONS` may have `timeout`,
    the seconds to wait for an answer (30), and `transaction_mode`, "IMMEDIATE" (the default),
    "DEFERRED" or "EXCLUSIVE".
    """

    display_name = "libSQL"
    Database = Database
    client_class: Any = DatabaseClient
    creation_class: Any = DatabaseCreation
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations

    transaction_seconds = TRANSACTION_SECONDS
    """How long a transaction that has begun to write may take while others wait to write."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return url, token and timeout.

        Raises:
            ImproperlyConfigured: the settings are wrong; says which and how.

        """
        _refuse_greenlets()
        unknown = set(self.settings_dict["OPTIONS"]) - OPTIONS
        if unknown:
            known = ", ".join(sorted(OPTIONS))
            raise self._wrong("OPTIONS", f"has {sorted(unknown)}; known are {known}")
        params = super().get_connection_params()
        self.transaction_mode = getattr(self, "transaction_mode", None) or "IMMEDIATE"
        url, token = self._address()
        timeout = params.get("timeout", TIMEOUT)
        if not isinstance(timeout, int | float) or not timeout > 0:
            raise self._wrong("OPTIONS", f"['timeout'] must be seconds above 0, not {timeout!r}")
        return {"url": url, "token": token, "timeout": timeout}

    def _address(self) -> tuple[str, str | None]:
        name = str(self.settings_dict["NAME"])
        if urlsplit(name).scheme not in SCHEMES:
            raise self._wrong("NAME", "must be a URL, as in libsql://127.0.0.1:8080?tls=0")
        try:
            config = expand_url(name, auth_token=self.settings_dict["PASSWORD"] or None, tls=None)
            return socket_url(config), config.auth_token
        except (LibsqlError, ValueError) as error:
            raise self._wrong("NAME", f"is no libSQL URL: {error}") from error

    def _wrong(self, key: str, what: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"settings.DATABASES[{self.alias!r}][{key!r}] {what}")

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Connect to the server."""
        connection = Connection(**conn_params)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def get_database_version(self) -> tuple[int, ...]:
        """Return the version of SQLite that the server has."""
        return self._version

    @cached_property
    def _version(self) -> tuple[int, ...]:
        with self.temporary_connection() as cursor:
            cursor.execute("SELECT SQLITE_VERSION()")
            return tuple(map(int, cursor.fetchone()[0].split(".")))

    def create_cursor(self, name: str | None = None) -> Cursor:  # noqa: ARG002  Django's signature
        """Return a cursor."""
        return cast("Cursor", self.connection.cursor(factory=Cursor))

    def close_if_health_check_failed(self) -> None:
        """Before each use: let go of a connection that is lost; inside atomic() it stays so."""
        if self.connection is not None and self.connection.is_lost and not self.in_atomic_block:
            self.close()
        super().close_if_health_check_failed()

    def is_usable(self) -> bool:
        """Ask the server."""
        try:
            self.connection.ping()
        except Database.Error:
            return False
        return True

    def is_in_memory_db(self) -> bool:
        """Return False: closing the connection takes nothing with it."""
        return False

    def _set_autocommit(self, autocommit: bool) -> None:
        with self.wrap_database_errors:
            self.connection.isolation_level = None if autocommit else "IMMEDIATE"


def _refuse_greenlets() -> None:
    monkey = sys.modules.get("gevent.monkey") or sys.modules.get("eventlet.patcher")
    is_patched = getattr(monkey, "is_module_patched", getattr(monkey, "is_monkey_patched", None))
    if is_patched is not None and (is_patched("threading") or is_patched("thread")):
        raise ImproperlyConfigured(
            "gorkflow.db.libsql needs real threads: it does not work under gevent or eventlet"
        )
