"""A JSON column that also takes and gives JSON as text: payloads are not parsed twice."""

from __future__ import annotations

from typing import Any

from django.db.models import Func, JSONField, TextField
from django.db.models.expressions import Combinable


class JsonText(str):
    """JSON that is text already; a PayloadField stores it as it is."""

    __slots__ = ()


class PayloadField(JSONField):
    """Django's JSONField, with lookups and Python values, plus a way past parsing.

    Assign or filter with `JsonText` to store text unparsed; select `payload_text("output")` to
    read text unparsed. SQL NULL means "no value yet"; JSON null is a value.
    """

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


class PayloadText(Func):
    """Selects a payload column as text on every database."""

    template = "%(expressions)s"
    arity = 1

    def __init__(self, expression: str | Combinable) -> None:
        super().__init__(expression, output_field=TextField())

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Cast: a driver other than Django's own might hand out parsed JSON."""
        return self.as_sql(compiler, connection, template="(%(expressions)s)::text", **extra)
