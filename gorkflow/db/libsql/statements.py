"""Statements as the server takes them, and what they mean for a transaction."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from gorkflow.db.libsql.driver import Database, LibsqlError, iter_sql_tokens
from gorkflow.db.libsql.errors import database_error

MAX_REQUEST = 16 * 1024 * 1024
"""Bytes of one message; at more the server drops the connection."""
_ESCAPED = 6
"""Bytes that a character takes in JSON at most."""
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
_LARGEST = 2**63
_NAME = re.compile(r"[:@$](\w+)")


class Statement(NamedTuple):
    """A statement with its parameters."""

    verb: str
    """Its first word, in capitals; ROLLBACK TO is one of its own."""
    body: dict[str, Any]
    """What is sent."""

    @property
    def is_dml(self) -> bool:
        """Whether it writes rows and is no read: the driver's name for it."""
        return self.verb in _WRITES


def read_statement(sql: str, parameters: Any, *, want_rows: bool) -> Statement:
    """Return the statement that is to be sent.

    Raises:
        DataError: it is too large, or a number is not finite.
        OverflowError, UnicodeEncodeError: a value that SQLite cannot store.

    """
    body: dict[str, Any] = {"sql": sql, "want_rows": want_rows}
    if isinstance(parameters, Mapping):
        # As in SQLite, names that the statement does not have do no harm; the server refuses them.
        named = {name: parameters[name] for name in _NAME.findall(sql) if name in parameters}
        values = list(named.values())
        body["named_args"] = [
            {"name": name, "value": _value(value)} for name, value in named.items()
        ]
    else:
        values = list(parameters)
        body["args"] = [_value(value) for value in values]
    _check_size(body, sql, values)
    return Statement(_verb(sql), body)


def _verb(sql: str) -> str:
    words = [word.upper() for word in islice(iter_sql_tokens(sql), 3)]
    if words[:1] == ["ROLLBACK"] and "TO" in words[1:]:
        return "ROLLBACK TO"
    return words[0] if words else ""


def _value(value: Any) -> dict[str, Any]:
    if value is None:
        return {"type": "null"}
    if isinstance(value, str):
        value.encode()  # the server takes no lone surrogates and drops the connection
        return {"type": "text", "value": value}
    if isinstance(value, int):
        if not -_LARGEST <= value < _LARGEST:
            raise OverflowError("Python int too large to convert to SQLite INTEGER")
        return {"type": "integer", "value": str(int(value))}
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Database.DataError(f"a libSQL server takes no {value} as a parameter")
        return {"type": "float", "value": value}
    return {"type": "blob", "base64": base64.b64encode(value).decode()}


def _check_size(body: dict[str, Any], sql: str, values: Sequence[Any]) -> None:
    lengths = (len(value) for value in values if isinstance(value, str | bytes | memoryview))
    # Measured only where it may matter.
    if (len(sql) + sum(lengths)) * _ESCAPED > MAX_REQUEST and len(json.dumps(body)) > MAX_REQUEST:
        raise database_error(
            LibsqlError(
                f"a libSQL server takes at most {MAX_REQUEST // 1024 // 1024} MiB at once",
                "REQUEST_TOO_LARGE",
            )
        )
