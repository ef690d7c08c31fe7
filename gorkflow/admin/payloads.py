"""JSON as a page shows it: indented, cut at 64 KiB. Escaping is left to the template."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pydantic_core
from django.template.defaultfilters import filesizeformat

from gorkflow.records import Json

PREVIEW_BYTES = 64 * 1024
"""How much of one payload a page shows, in UTF-8."""

_ENCODER = json.JSONEncoder(indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One payload under its title."""

    name: str
    title: str
    text: str
    size: str
    is_cut: bool
    is_open: bool


def panel(name: str, title: str, payload: Json, *, is_open: bool) -> Panel:
    """Return a payload ready to be shown."""
    text, is_cut = _pretty(payload)
    size = filesizeformat(len(payload.encode()))
    return Panel(name=name, title=title, text=text, size=size, is_cut=is_cut, is_open=is_open)


def as_object(values: Mapping[str, Json]) -> Json:
    """Return named JSON texts as the text of one object."""
    members = (f"{json.dumps(name)}: {values[name]}" for name in sorted(values))
    return f"{{{', '.join(members)}}}"


def pretty_json(value: Any) -> str:
    """Return JSON data as indented text; "" for nothing."""
    return _ENCODER.encode(value) if value else ""


def _pretty(payload: Json) -> tuple[str, bool]:
    chunks: list[bytes] = []
    size = 0
    try:
        # Piece by piece, so that a payload of megabytes costs no more than what is shown of it.
        for chunk in _ENCODER.iterencode(pydantic_core.from_json(payload)):
            chunks.append(chunk.encode())
            size += len(chunks[-1])
            if size > PREVIEW_BYTES:
                break
        shown = b"".join(chunks)
    except (ValueError, RecursionError):
        # Nested too deeply to indent: better as it is than not at all.
        shown = payload.encode()
    return shown[:PREVIEW_BYTES].decode(errors="ignore"), len(shown) > PREVIEW_BYTES
