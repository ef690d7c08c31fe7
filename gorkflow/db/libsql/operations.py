"""SQL for what Django does on SQLite by functions that it adds to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import NotSupportedError, models
from django.db.backends.sqlite3.operations import DatabaseOperations as SQLiteOperations
from django.db.models import functions

from gorkflow.db.libsql import times

Params = Sequence[Any]
Sql = tuple[str, tuple[Any, ...]]

VALUE = "\0"
"""Stands in a form for the value that it is about."""
MISSING = (
    models.StdDev,
    models.Variance,
    functions.LPad,
    functions.MD5,
    functions.Mod,
    functions.Log,
    functions.RPad,
    functions.Random,
    functions.Repeat,
    functions.SHA1,
    functions.SHA224,
    functions.SHA256,
    functions.SHA384,
    functions.SHA512,
)
"""What Django writes as a function that the server does not have."""


class DatabaseOperations(SQLiteOperations):
    """As SQLite's; what the server cannot do is refused before it is asked."""

    connection: Any

    def check_expression_support(self, expression: Any) -> None:
        """Refuse functions that the server does not have.

        Raises:
            NotSupportedError: names the function.

        """
        if isinstance(expression, MISSING):
            raise NotSupportedError(f"a libSQL server has no {type(expression).__name__}()")
        super().check_expression_support(expression)

    def lookup_cast(self, lookup_type: str, internal_type: str | None = None) -> str:
        """Refuse iregex: the server's regular expressions know no flags."""
        if lookup_type == "iregex":
            raise NotSupportedError("a libSQL server has no iregex lookup; regex it has")
        return super().lookup_cast(lookup_type, internal_type)

    def combine_expression(self, connector: str, sub_expressions: list[str]) -> str:
        """Refuse the exclusive or."""
        if connector == "#":
            raise NotSupportedError("a libSQL server has no exclusive or of bits")
        return super().combine_expression(connector, sub_expressions)

    def force_group_by(self) -> list[str]:
        """Return what the server's parser wants before HAVING."""
        return ["GROUP BY TRUE"]

    # Dates and times

    def date_extract_sql(self, lookup_type: str, sql: str, params: Params) -> Sql:
        """Return one part of a date."""
        return _spread(times.extract(lookup_type, VALUE), sql, params)

    def time_extract_sql(self, lookup_type: str, sql: str, params: Params) -> Any:
        """Return one part of a time."""
        return _spread(times.extract(lookup_type, VALUE, is_time=True), sql, params)

    def datetime_extract_sql(
        self, lookup_type: str, sql: str, params: Params, tzname: str | None
    ) -> Sql:
        """Return one part of a date and time."""
        return _spread(times.extract(lookup_type, self._local(tzname)), sql, params)

    def date_trunc_sql(
        self, lookup_type: str, sql: str, params: Params, tzname: str | None = None
    ) -> Sql:
        """Return the first day of what a date, or date and time, is in."""
        return _spread(times.trunc_day(lookup_type, self._local(tzname)), sql, params)

    def time_trunc_sql(
        self, lookup_type: str, sql: str, params: Params, tzname: str | None = None
    ) -> Any:
        """Return a time, or that of a date and time, without its smaller parts."""
        return _spread(times.trunc_time(lookup_type, self._local(tzname)), sql, params)

    def datetime_trunc_sql(
        self, lookup_type: str, sql: str, params: Params, tzname: str | None
    ) -> Any:
        """Return a date and time without its smaller parts."""
        return _spread(times.trunc(lookup_type, self._local(tzname)), sql, params)

    def datetime_cast_date_sql(self, sql: str, params: Params, tzname: str | None) -> Sql:
        """Return the date of a date and time."""
        return _spread(f"SUBSTR({self._local(tzname)}, 1, 10)", sql, params)

    def datetime_cast_time_sql(self, sql: str, params: Params, tzname: str | None) -> Sql:
        """Return the time of a date and time."""
        return _spread(f"SUBSTR({self._local(tzname)}, 12)", sql, params)

    def subtract_temporals(
        self,
        internal_type: str,  # noqa: ARG002  every kind is told by its text
        lhs: tuple[str, Params],
        rhs: tuple[str, Params],
    ) -> Sql:
        """Return the microseconds from one to the other."""
        left, left_params = _spread(times.microseconds(VALUE), *lhs)
        right, right_params = _spread(times.microseconds(VALUE), *rhs)
        return f"({left} - {right})", (*left_params, *right_params)

    def combine_duration_expression(self, connector: str, sub_expressions: list[str]) -> str:
        """Return a date and time that is moved by a duration, or a duration's multiple."""
        if len(sub_expressions) != 2 or connector not in "+-*/":  # noqa: PLR2004
            return super().combine_duration_expression(connector, sub_expressions)
        left, right = sub_expressions
        if connector in "*/":
            return f"CAST({left} AS REAL) {connector} {right}"
        # Parameters come along with their SQL once, so the values are named first.
        moved = times.moved(connector, "a", "b")
        return f"SELECT {moved} FROM (SELECT {left} AS a, {right} AS b)"  # noqa: S608  Django's own

    def _local(self, tzname: str | None) -> str:
        zone = tzname if settings.USE_TZ else None
        return times.in_zone(VALUE, zone, self.connection.timezone_name)

    # Without a question to the server: it may be the one whose failure is being logged.

    def _quote_params_for_last_executed_query(self, params: Params) -> tuple[str, ...]:
        return tuple(map(_quoted, params))

    def _references_graph(self, table: str) -> list[str]:
        """Return a table and all that refer to it, for SQLite's pattern has a flag."""
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
            tables = dict(cursor.fetchall())
        found, unseen = [], [table]
        while unseen:
            name = unseen.pop()
            found.append(name)
            pattern = re.compile(
                rf"\sreferences\s+[\"']?{re.escape(name)}[\"']?\s*\(", re.IGNORECASE
            )
            new = [other for other, sql in tables.items() if pattern.search(sql or "")]
            unseen += [other for other in new if other not in [*found, *unseen]]
        return found


def _spread(form: str, sql: str, params: Params) -> Sql:
    """Put the SQL of a value into a form, and its parameters as often as the form has it."""
    return form.replace(VALUE, sql), (*params,) * form.count(VALUE)


def _quoted(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int | float):
        return str(+value)
    if isinstance(value, bytes | memoryview):
        return f"X'{bytes(value).hex()}'"
    return "'" + str(value).replace("'", "''") + "'"
