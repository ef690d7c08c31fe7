"""JSON as a page shows it: indented, in parts that fold, cut at 64 KiB. The template escapes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.template.defaultfilters import filesizeformat

PREVIEW_BYTES = 64 * 1024
"""How much of one payload a page shows, in UTF-8."""
MANY_LINES = 60
"""From so many lines on the members of a value fold one by one."""
MAX_MEMBERS = 200

_ENCODER = json.JSONEncoder(indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of an object, or an item of an array."""

    key: str
    text: str
    is_long: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One payload under its title."""

    name: str
    title: str
    text: str
    members: Sequence[Member]
    """In place of the text, where there is much of it."""
    size: str
    is_cut: bool
    is_open: bool
    url: str
    """Where all of it can be downloaded."""


def panel(name: str, title: str, value: Any, *, url: str = "", is_open: bool = True) -> Panel:
    """Return a payload, as JSON data, ready to be shown."""
    text, is_cut = _pretty(value)
    members = [] if is_cut or text.count("\n") < MANY_LINES else list(_members(value))
    return Panel(
        name=name,
        title=title,
        text=text,
        members=members,
        size=filesizeformat(len(_compact(value))) if not is_cut else "",
        is_cut=is_cut,
        is_open=is_open,
        url=url,
    )


def download(value: Any, name: str) -> HttpResponse:
    """Return a payload as a file."""
    response = HttpResponse(_ENCODER.encode(value).encode(), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}.json"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def pretty_json(value: Any) -> str:
    """Return JSON data as indented text; "" for nothing."""
    return _ENCODER.encode(value) if value else ""


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _members(value: Any) -> Iterator[Member]:
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    if len(pairs) > MAX_MEMBERS:
        return
    for key, each in pairs:
        text = _ENCODER.encode(each)
        yield Member(key=str(key), text=text, is_long="\n" in text)


def _pretty(value: Any) -> tuple[str, bool]:
    chunks: list[bytes] = []
    size = 0
    # Piece by piece, so that a payload of megabytes costs no more than what is shown of it.
    for chunk in _ENCODER.iterencode(value):
        chunks.append(chunk.encode())
        size += len(chunks[-1])
        if size > PREVIEW_BYTES:
            break
    shown = b"".join(chunks)
    return shown[:PREVIEW_BYTES].decode(errors="ignore"), len(shown) > PREVIEW_BYTES
