"""The test database: a server cannot be asked for another one, so it is one that you name."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.creation import BaseDatabaseCreation

MARK = "gorkflow_test_database"
"""A table that says that the rest was made by tests and may go."""


class DatabaseCreation(BaseDatabaseCreation):
    """Empties the database that TEST["NAME"] names, if tests have made what is in it."""

    connection: Any

    @staticmethod
    def is_in_memory_db(database_name: Any) -> bool:  # noqa: ARG004  as SQLite's
        """Return False."""
        return False

    def _get_test_db_name(self) -> str:
        name = self.connection.settings_dict["TEST"]["NAME"]
        if not name:
            raise ImproperlyConfigured(
                f"settings.DATABASES[{self.connection.alias!r}]['TEST']['NAME'] must be the URL of"
                " a libSQL server for tests, with nothing in it: another database cannot be made"
                " on the one that NAME names"
            )
        return str(name)

    def _create_test_db(self, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:  # noqa: ARG002
        name = self._get_test_db_name()
        if keepdb:
            return name
        self.connection.close()
        own, self.connection.settings_dict["NAME"] = self.connection.settings_dict["NAME"], name
        try:
            self._claim(name)
        finally:
            self.connection.close()
            self.connection.settings_dict["NAME"] = own
        return name

    def _claim(self, name: str) -> None:
        with self.connection.cursor() as cursor:
            tables = _tables(cursor)
            if tables and MARK not in tables:
                raise ImproperlyConfigured(
                    f"the test database {name} has tables that no tests have made"
                    f" ({', '.join(tables[:3])} ...), and they would be dropped: name an empty one"
                )
            _drop_all(cursor)
            cursor.execute(f"CREATE TABLE {MARK} (made_at)")

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:  # noqa: ARG002
        with self.connection.cursor() as cursor:
            _drop_all(cursor)
        self.connection.close()


def _tables(cursor: Any) -> list[str]:
    cursor.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'libsql_wasm_func_table'"
        " ORDER BY type = 'table', sql LIKE 'CREATE VIRTUAL%' DESC"
    )
    return [name for (name,) in cursor.fetchall()]


def _drop_all(cursor: Any) -> None:
    cursor.execute("PRAGMA foreign_keys = OFF")
    for name in _tables(cursor):
        cursor.execute("SELECT type FROM sqlite_master WHERE name = %s", [name])
        found = cursor.fetchone()
        # The tables of a virtual one go with it.
        if found:
            cursor.execute(f'DROP {found[0]} "{name}"')
    cursor.execute("PRAGMA foreign_keys = ON")
