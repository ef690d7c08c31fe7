"""What the server reports, as the DB-API's errors, which Django knows."""

from __future__ import annotations

from typing import Any, cast

from gorkflow.db.libsql.driver import Database, LibsqlError, classes_by_code

TRANSACTION_SECONDS = 5.0
"""How long the server leaves the write lock to a transaction that others wait for."""
TIMED_OUT = "TRANSACTION_TIMEOUT"
TOO_LARGE = frozenset({"REQUEST_TOO_LARGE", "RESPONSE_TOO_LARGE"})
TOO_BIG = "string or blob too big"
ENDED = (
    "the libSQL server has ended this transaction, and nothing of it is stored: one that has had"
    f" the write lock for {TRANSACTION_SECONDS:g} s loses it to whoever waits for it"
)


def database_error(error: LibsqlError) -> Exception:
    """Return the DB-API error for an answer of the server."""
    message = error.explanation.removeprefix("SQLite error: ").removeprefix("SQL input error: ")
    if TOO_BIG in message:
        message = f"{message}: a libSQL server takes values and rows of at most 5 MB"
    found: Any = _class_of(error.code, message)
    found = found(ENDED if error.code == TIMED_OUT else message)
    found.sqlite_errorname = error.code  # as Python's sqlite3 has it
    return cast("Exception", found)


def _class_of(code: str, message: str) -> Any:
    if code in TOO_LARGE or TOO_BIG in message:
        return Database.DataError
    while code:
        if code in classes_by_code:
            return classes_by_code[code]
        # SQLITE_CONSTRAINT_UNIQUE is a kind of SQLITE_CONSTRAINT.
        code = code.rpartition("_")[0]
    # The server's own codes: they are about how it fares, not about the statement.
    return Database.OperationalError
