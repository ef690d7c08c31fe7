"""The few things that are needed to write SVG by hand: elements, escaping, shortening."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable

# HTML and XML have no place for them, and they would be invisible.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


class Markup(str):
    """Text that is markup already: everything in it that came from elsewhere is escaped."""

    __slots__ = ()


def escape(text: object) -> str:
    """Return the text for use in an element or in a quoted attribute."""
    return html.escape(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def element(name: str, *children: str, **attributes: object) -> Markup:
    """Return an element. Plain text in it is escaped; so is every attribute.

    An underscore at an attribute's end is dropped and others become hyphens (`class_`,
    `stroke_width`); attributes that are None or "" are left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value))}"'
        for key, value in attributes.items()
        if value is not None and value != ""
    )
    if not children:
        return Markup(f"<{name}{written}/>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(parts: Iterable[str]) -> Markup:
    """Return the parts after each other; those that are no markup are escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def shorten(text: str, width: int) -> str:
    """Return the text in at most `width` columns, as one line; wide letters take two."""
    line = " ".join(text.split())
    if _columns(line) <= width:
        return line
    kept = line[:width]
    while kept and _columns(kept) > width - 1:
        kept = kept[:-1]
    return kept.rstrip() + ELLIPSIS


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _number(value: object) -> object:
    # Tenths of a pixel are enough, and pages stay small.
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
