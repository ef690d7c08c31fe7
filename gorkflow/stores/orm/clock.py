"""The database's own time, as an expression: leases never depend on a worker's clock."""

from __future__ import annotations

from typing import Any

from django.db.models import DateTimeField, Func


class DatabaseTime(Func):
    """The time now, plus `seconds`, as the database sees it.

    `django.db.models.functions.Now` would do for "now", but adding seconds to it needs functions
    that only Django's own SQLite driver has; this is plain SQL everywhere.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(output_field=DateTimeField())
        self._seconds = seconds

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:  # noqa: ARG002
        """Return text of the form in which Django stores times there."""
        # Django writes six decimals, or none for a whole second; texts must compare as times do.
        sql = "REPLACE(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f000', 'now', %s), '.000000', '')"
        return sql, [f"{self._seconds:+.3f} seconds"]

    def as_postgresql(self, _compiler: Any, _connection: Any, **_extra: Any) -> Any:
        """Return a time that moves within a transaction, yet can be compared with an index."""
        return "(STATEMENT_TIMESTAMP() + %s * INTERVAL '1 second')", [self._seconds]

    def as_mysql(self, _compiler: Any, _connection: Any, **_extra: Any) -> Any:
        """Return UTC, whatever the session's time zone is."""
        return "(UTC_TIMESTAMP(6) + INTERVAL %s MICROSECOND)", [round(self._seconds * 1_000_000)]
