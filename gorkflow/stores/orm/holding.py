"""Keeping a row from being deleted while others refer to it."""

from __future__ import annotations

from typing import Any

from django.db import connections, models

HOLD = {"postgresql": " FOR KEY SHARE", "mysql": " LOCK IN SHARE MODE"}
"""Lets others hold the row too, but nobody delete it. SQLite has one writer at a time anyway."""


def hold(model: type[models.Model], key: Any, using: str) -> bool:
    """Keep a row until the end of the transaction; False if there is none.

    Foreign keys are no substitute: PostgreSQL checks ours at the commit, which fails then.
    """
    connection = connections[using]
    rows = model._base_manager.using(using).filter(pk=key).values_list("pk")  # noqa: SLF001
    sql, params = rows.query.get_compiler(using).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(sql + HOLD.get(connection.vendor, ""), params)
        return cursor.fetchone() is not None
