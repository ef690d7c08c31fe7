"""Indexes that stay small however long the history is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Index, Model, Q, UniqueConstraint
from django.db.models.expressions import RawSQL


def with_reserved(column: str) -> Q:
    """Return the condition by which a query may use a reserved index; it is true of every row.

    Args:
        column: the index's `reserved`.

    """
    # Said with a parameter, a database could not tell beforehand that it is the index's own.
    return Q(**{f"{column}__gte": RawSQL("0", ())})


class LiveIndex(Index):
    """An index without the rows in which a field is NULL, where the database has such indexes.

    Elsewhere (MariaDB, MySQL) it has all of them. Django's own `condition` would do the same, and
    warn of it at each `migrate` there.

    Args:
        fields: what is indexed.
        name: of the index.
        live: the field.
        reserved: if given, a field that is never negative. Then the index is there for queries
            that say so (`with_reserved`), and no planner can take it for another (where the
            database has such indexes).

    """

    def __init__(
        self, *, fields: Sequence[str], name: str, live: str, reserved: str | None = None
    ) -> None:
        super().__init__(fields=fields, name=name)
        self.live = live
        self.reserved = reserved

    def deconstruct(self) -> Any:
        """Return what a migration needs to make it again, by its public path."""
        _path, expressions, options = super().deconstruct()
        options["live"] = self.live
        if self.reserved:
            options["reserved"] = self.reserved
        return "gorkflow.models.LiveIndex", expressions, options

    def create_sql(
        self, model: type[Model], schema_editor: Any, using: str = "", **kwargs: Any
    ) -> Any:
        """Return the statement that creates it."""
        condition = _condition(self.live, schema_editor)
        if condition is not None and self.reserved:
            condition &= with_reserved(self.reserved)
        built = Index(fields=self.fields, name=self.name, condition=condition)
        return built.create_sql(model, schema_editor, using=using, **kwargs)


class LiveUnique(UniqueConstraint):
    """A unique constraint whose index leaves out the rows in which a field is NULL, if it can.

    No such row can be in another's way, with or without a place in the index.

    Args:
        fields: what is unique together.
        name: of the constraint.
        live: the one of the fields that may be NULL.

    """

    def __init__(self, *, fields: Sequence[str], name: str, live: str) -> None:
        super().__init__(fields=fields, name=name)
        self.live = live

    def deconstruct(self) -> Any:
        """Return what a migration needs to make it again, by its public path."""
        _path, expressions, options = super().deconstruct()
        return "gorkflow.models.LiveUnique", expressions, {**options, "live": self.live}

    def __eq__(self, other: object) -> bool:
        """Tell whether a migration would have nothing to change."""
        return super().__eq__(other) is True and getattr(other, "live", None) == self.live

    def __hash__(self) -> int:
        """Return the same for equal ones."""
        return hash((self.name, self.live))

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return its part of a CREATE TABLE, or None and leave an index for later."""
        return self._as_built(schema_editor).constraint_sql(model, schema_editor)

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statement that creates it."""
        return self._as_built(schema_editor).create_sql(model, schema_editor)

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        """Return the statement that takes it away."""
        return self._as_built(schema_editor).remove_sql(model, schema_editor)

    def _as_built(self, schema_editor: Any) -> UniqueConstraint:
        condition = _condition(self.live, schema_editor)
        return UniqueConstraint(fields=self.fields, name=self.name, condition=condition)


def _condition(live: str, schema_editor: Any) -> Q | None:
    """Return what leaves out the rows in which the field is NULL, if the database has such."""
    if not schema_editor.connection.features.supports_partial_indexes:
        return None
    return Q(**{f"{live}__isnull": False})
