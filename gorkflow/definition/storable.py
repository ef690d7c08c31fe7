"""The way from a value to JSON text, closed to whatever would not come back from it.

JSON text that is stored has to be read by every database and by every later step. So what JSON
would change in silence, and what some database or reader does not take, is refused here, with the
place where it is.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pydantic_core
from pydantic import BaseModel, Secret, SecretBytes, SecretStr

from gorkflow.errors import PayloadError
from gorkflow.records import Json, storable_text

MAX_DEPTH = 100
"""Levels of arrays and objects in one value. Readers stop at 200, and joins add levels."""

MAX_DIGITS = 4300
"""Digits of one integer; Python and pydantic read no more from a text."""

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_MASKED = b'"**********"'
_MAX_TEXT = 500
_MAX_PARTS = 20

Write = Callable[[Any], bytes]


def storable_json(
    value: Any,
    write: Write,
    plain: Callable[[Any], Any],
    what: str,
    max_bytes: int | None,
) -> Json:
    """Return `write(value)`, if all of the value would come back from it.

    Args:
        value: anything.
        write: makes JSON text of it, or raises ValueError or TypeError.
        plain: makes JSON-like Python data of it, with NaN and infinities where it has them.
        what: what the value is, for messages.
        max_bytes: how long the text may be, in UTF-8.

    Raises:
        PayloadError: it cannot be stored.

    """
    try:
        data = write(value)
        # Looked at closely only where the text could hide one: this is the hot path.
        if b"null" in data or b"NaN" in data or b"Infinity" in data:
            _refuse_not_finite(data, plain(value), what)
    except PayloadError:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise _unwritable(value, write, what, error) from error
    if max_bytes is not None and len(data) > max_bytes:
        msg = f"{what} is too large: {len(data):,} bytes of JSON, the limit is {max_bytes:,}"
        raise PayloadError(msg, size=len(data), limit=max_bytes)
    if b"\\u0000" in data and _ESCAPED_NUL.search(data):
        where = _place(value, lambda part: _has_nul(write, part))
        msg = f"{what} has a NUL character in a text{where}, which databases cannot store"
        raise PayloadError(msg)
    if _MASKED in data and _holds_secret(value):
        msg = f"{what} has a pydantic secret in it, whose value would be lost; store a plain str"
        raise PayloadError(msg)
    _refuse_what_reads_otherwise(data, what)
    return data.decode()


def printable(text: str) -> str:
    """Return `text` in a form that every database can store with an error, at most 500 long."""
    cleaned = storable_text(text[: 2 * _MAX_TEXT])
    return cleaned if len(cleaned) <= _MAX_TEXT else cleaned[: _MAX_TEXT - 1] + "…"


def path_text(loc: Iterable[Any]) -> str:
    """Return a path as messages name it: "lines.0.sku"; the middle of a long one is left out."""
    parts = [printable(str(part)) for part in loc]
    if len(parts) > _MAX_PARTS:
        parts[_MAX_PARTS // 2 : -_MAX_PARTS // 2] = ["…"]
    return ".".join(parts)


def _unwritable(value: Any, write: Write, what: str, error: Exception) -> PayloadError:
    text = str(error)
    if "depth exceeded" in text or isinstance(error, RecursionError):
        return _too_deep(what)
    if "Circular reference" in text:
        return PayloadError(f"{what} cannot be stored as JSON: it refers to itself")
    where = _place(value, lambda part: _fails(write, part))
    why = printable(text.removeprefix("Error serializing to JSON: "))
    return PayloadError(f"{what} cannot be stored as JSON{where}: {why}")


def _too_deep(what: str) -> PayloadError:
    return PayloadError(f"{what} is nested deeper than {MAX_DEPTH} levels", limit=MAX_DEPTH)


def _refuse_what_reads_otherwise(data: bytes, what: str) -> None:
    deep = data.count(b"[") + data.count(b"{") > MAX_DEPTH
    # Too short for a number that is not read, no two keys that could be the same.
    if not deep and len(data) <= MAX_DIGITS and data.count(b'":') < 2:  # noqa: PLR2004
        return
    try:
        # Readers take 200 levels: as many around it as are left to others.
        read = pydantic_core.from_json(b"[" * MAX_DEPTH + data + b"]" * MAX_DEPTH if deep else data)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise _too_deep(what) from None
        msg = f"{what} has an integer of over {MAX_DIGITS} digits, which cannot be read again"
        raise PayloadError(msg, limit=MAX_DIGITS) from None
    # A key that comes twice is kept once: the text would be shorter.
    if len(pydantic_core.to_json(read)) < len(data) + (2 * MAX_DEPTH if deep else 0):
        _refuse_equal_keys(data, what)


def _refuse_equal_keys(data: bytes, what: str) -> None:
    def checked(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                msg = (
                    f"{what} has two keys that are both {printable(key)!r} in JSON: keys are texts"
                    " there"
                )
                raise PayloadError(msg, key=key)
            seen.add(key)

    json.loads(data, object_pairs_hook=checked, parse_int=str)


def _place(value: Any, is_bad: Callable[[Any], bool]) -> str:
    """Return " at a.b.0" for the smallest part of the value that is bad; "" for the whole."""
    path: list[Any] = []
    while len(path) < MAX_DEPTH:
        found = next(((key, part) for key, part in _parts(value) if is_bad(part)), None)
        if found is None:
            break
        path.append(found[0])
        value = found[1]
    return f" at {path_text(path)}" if path else ""


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, BaseModel):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(each.name, getattr(value, each.name)) for each in dataclasses.fields(value)]
    if isinstance(value, Mapping):
        return list(value.items())
    return enumerate(value) if isinstance(value, list | tuple) else ()


def _fails(write: Write, value: Any) -> bool:
    try:
        write(value)
    except Exception:  # noqa: BLE001  only asked in order to say where
        return True
    return False


def _has_nul(write: Write, value: Any) -> bool:
    try:
        return _ESCAPED_NUL.search(write(value)) is not None
    except Exception:  # noqa: BLE001  a part may not be writable by itself
        return False


def _refuse_not_finite(data: bytes, plain: Any, what: str) -> None:
    path = _not_finite(plain, pydantic_core.from_json(data), ())
    if path is not None:
        where = f" at {path_text(path)}" if path else ""
        msg = f"{what} has a number that JSON cannot hold{where}: NaN and infinities are refused"
        raise PayloadError(
            msg, errors=[{"loc": list(path), "msg": "must be finite", "type": "finite_number"}]
        )


def _not_finite(plain: Any, stored: Any, path: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """Return the path of the first number that the stored form has lost, or None."""
    if isinstance(plain, float):
        # ser_json_inf_nan="strings" stores a text, which does read back.
        return path if not math.isfinite(plain) and not isinstance(stored, str) else None
    pairs: Iterable[tuple[Any, Any, Any]] = ()
    if isinstance(plain, dict) and isinstance(stored, dict):
        pairs = zip(plain, plain.values(), stored.values(), strict=False)
    elif isinstance(plain, list) and isinstance(stored, list):
        pairs = zip(range(len(plain)), plain, stored, strict=False)
    for key, value, kept in pairs:
        found = _not_finite(value, kept, (*path, key))
        if found is not None:
            return found
    return None


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Secret | SecretStr | SecretBytes):
        return True
    if isinstance(value, Mapping):
        return any(map(_holds_secret, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_secret, value))
    if isinstance(value, BaseModel) or hasattr(value, "__dataclass_fields__"):
        return any(map(_holds_secret, vars(value).values() if hasattr(value, "__dict__") else ()))
    return False
