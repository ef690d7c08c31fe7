"""Columns whose meaning is the same on every database: exact text, and JSON kept as it was sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import BigAutoField, BooleanField, CharField, Func, JSONField, TextField
from django.db.models.expressions import Col, Combinable
from django.db.models.fields.json import JSONExact
from django.utils.functional import cached_property

MARIADB_EXACT = "utf8mb4_nopad_bin"
MYSQL_EXACT = "utf8mb4_0900_bin"
"""Collations that neither fold case or accents nor ignore trailing spaces. Naming one names the
character set too, so a table whose default is latin1 takes every text all the same."""


def exact_collation(connection: Any) -> str | None:
    """Return the collation that compares texts exactly; None where the default one does."""
    if connection.vendor != "mysql":
        return None
    return MARIADB_EXACT if connection.mysql_is_mariadb else MYSQL_EXACT


_Set_contra = TypeVar("_Set_contra", contravariant=True)
_Get_co = TypeVar("_Get_co", covariant=True)

if TYPE_CHECKING:

    class _CharField(CharField[_Set_contra, _Get_co]):
        """What the type checker's plugin fills in by `null=True`."""

else:

    class _CharField(CharField):
        def __class_getitem__(cls, _types: Any) -> Any:
            return cls


class ExactCharField(_CharField[_Set_contra, _Get_co]):
    """A CharField for which "a" is not "A", "é" is not "e" and "a " is not "a", everywhere.

    MariaDB and MySQL take all of these for equal by default. Foreign keys to the column follow it.
    """

    def db_parameters(self, connection: Any) -> Any:
        """Return the column's type with the exact collation."""
        collation = self.db_collation or exact_collation(connection)
        return {**super().db_parameters(connection), "collation": collation}

    def deconstruct(self) -> Any:
        """Name the class by its public path in migrations."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "gorkflow.models.ExactCharField", args, kwargs


class RowKey(BigAutoField):  # type: ignore[type-arg]  # Django's own cannot be subscripted
    """A BigAutoField that on SQLite may give the key of a deleted row to another one.

    So Django's own does not, which writes a page more for every row. What holds on to a step's key
    has its token, too.
    """

    def db_type_suffix(self, connection: Any) -> str | None:
        """Return how the database counts."""
        suffix: str | None = super().db_type_suffix(connection)
        return None if connection.vendor == "sqlite" else suffix

    def deconstruct(self) -> Any:
        """Name the class by its public path in migrations."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "gorkflow.models.RowKey", args, kwargs


class JsonText(str):
    """JSON that is text already; a PayloadField stores it as it is."""

    __slots__ = ()


class _PayloadColumn(Col):
    """A payload in a query: PostgreSQL's lookups need jsonb, what is read must be the text."""

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        sql, params = self.as_sql(compiler, connection)
        return f"({sql})::jsonb", params

    def select_format(self, compiler: Any, sql: str, params: Any) -> Any:
        if compiler.connection.vendor != "postgresql":
            return sql, params
        # A driver might hand out parsed JSON instead of text.
        sql, params = self.as_sql(compiler, compiler.connection)
        return f"({sql})::text", params


class PayloadField(JSONField):
    """Django's JSONField, with lookups and Python values, plus a way past parsing.

    The column keeps the text to the letter: order of keys, 1e308, -0.0 and integers of any size
    come back as they went in, where jsonb and MySQL's JSON normalise them. Assign or filter with
    `JsonText` to store text unparsed; select `PayloadText("output")` to read text unparsed. SQL
    NULL means "no value yet"; JSON null is a value.
    """

    def db_type(self, connection: Any) -> str | None:
        """Return a type that keeps the text."""
        exact = {"postgresql": "json", "mysql": "longtext"}
        return exact.get(connection.vendor) or super().db_type(connection)

    def db_parameters(self, connection: Any) -> Any:
        """Return the column's type with the exact collation."""
        return {**super().db_parameters(connection), "collation": exact_collation(connection)}

    def db_check(self, connection: Any) -> str | None:
        """Return no check on MariaDB, whose JSON_VALID calls what is 32 levels deep invalid."""
        return None if connection.vendor == "mysql" else super().db_check(connection)

    def get_col(self, alias: str, output_field: Any = None) -> Any:
        """Return the column as a query uses it."""
        if alias == self.model._meta.db_table and output_field in (None, self):  # noqa: SLF001
            return self.cached_col
        return _PayloadColumn(alias, self, output_field)

    @cached_property
    def cached_col(self) -> Any:
        """The column under its table's own name."""
        return _PayloadColumn(self.model._meta.db_table, self)  # noqa: SLF001

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Return JsonText as text, anything else as JSONField does."""
        if isinstance(value, JsonText):
            # Untyped text: each database reads it as the column's own JSON type.
            return str(value)
        return super().get_db_prep_value(value, connection, prepared)

    def deconstruct(self) -> Any:
        """Name the class by its public path in migrations."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "gorkflow.models.PayloadField", args, kwargs


@PayloadField.register_lookup
class _PayloadExact(JSONExact):
    """Equality of whole payloads, whose text MariaDB and MySQL bring into one form first."""

    def process_lhs(self, compiler: Any, connection: Any, lhs: Any = None) -> Any:
        if connection.vendor != "mysql":
            return super().process_lhs(compiler, connection, lhs)
        # Django would take the quotes off on MariaDB, and a text without them is no JSON.
        sql, params = compiler.compile(lhs or self.lhs)
        return _compared(f"JSON_EXTRACT({sql}, '$')", connection), params

    def process_rhs(self, compiler: Any, connection: Any) -> Any:
        sql, params = super().process_rhs(compiler, connection)
        return (_compared(sql, connection) if connection.vendor == "mysql" else sql), params


def _compared(sql: str, connection: Any) -> str:
    # MariaDB takes the quotes off one side of a comparison of JSON functions, and not off both.
    return f"CONCAT({sql})" if connection.mysql_is_mariadb else sql


class PayloadText(Func):
    """Selects a payload column as text on every database."""

    template = "%(expressions)s"
    arity = 1

    def __init__(self, expression: str | Combinable) -> None:
        super().__init__(expression, output_field=TextField())

    def as_postgresql(self, compiler: Any, _connection: Any, **_extra: Any) -> Any:
        """Return the very text."""
        (column,) = self.get_source_expressions()
        return column.select_format(compiler, *compiler.compile(column))


class HasTag(Func):
    """Whether a JSON object has a text under a name, whatever characters there are in both.

    Django's key lookup takes a name like "0" for a place in an array and quotes others in ways
    that SQLite does not read.
    """

    def __init__(self, column: str, name: str, value: str) -> None:
        super().__init__(column, output_field=BooleanField())
        self._pair = (name, value)

    def as_sqlite(self, compiler: Any, connection: Any, **_extra: Any) -> Any:  # noqa: ARG002
        """Return a search through the members."""
        sql, params = compiler.compile(*self.get_source_expressions())
        members = f"JSON_EACH({sql}) AS tag WHERE tag.key = %s AND tag.value = %s"
        # Name and value are parameters; what is put in is the compiled column.
        return f"EXISTS (SELECT 1 FROM {members})", [*params, *self._pair]  # noqa: S608

    def as_postgresql(self, compiler: Any, _connection: Any, **_extra: Any) -> Any:
        """Return a containment, which a GIN index serves."""
        sql, params = compiler.compile(*self.get_source_expressions())
        return f"({sql} @> %s::jsonb)", [*params, self._json()]

    def as_mysql(self, compiler: Any, _connection: Any, **_extra: Any) -> Any:
        """Return a containment."""
        sql, params = compiler.compile(*self.get_source_expressions())
        return f"JSON_CONTAINS({sql}, %s)", [*params, self._json()]

    def _json(self) -> str:
        name, value = self._pair
        return json.dumps({name: value})
