"""What an id may look like, and the nearest right name for a wrong one."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping

from gorkflow.config import MAX_ID_LENGTH
from gorkflow.errors import DefinitionError, PayloadError

MAX_VERSION_LENGTH = 50
"""Characters in a workflow's version."""

MAX_TAG_LENGTH = 200
"""Characters in a tag's name or value."""

_REFUSED_CATEGORIES = ("Cc", "Cs")  # control characters; lone surrogates, which are not text


def checked_name(value: object, what: str, *, limit: int = MAX_ID_LENGTH) -> str:
    """Return `value` if it can be an id, a name or a version.

    Any text of 1 to `limit` characters can, quotes and emoji included, if it has no control
    characters.

    Raises:
        DefinitionError: it is something else; the message begins with `what`.

    """
    if not isinstance(value, str):
        msg = f"{what} must be text, not {type(value).__name__}"
        raise DefinitionError(msg)
    if not 0 < len(value) <= limit:
        msg = f"{what} must have 1 to {limit} characters, not {len(value)}"
        raise DefinitionError(msg)
    # isprintable() is a quick way out for nearly every id there is.
    if not value.isprintable() and any(
        unicodedata.category(character) in _REFUSED_CATEGORIES for character in value
    ):
        msg = f"{what} must have no control characters: {value!r}"
        raise DefinitionError(msg)
    return value


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags if names have 1 to 200 characters and values at most as many.

    Raises:
        PayloadError: one is longer, or a name is empty.

    """
    for name, value in tags.items():
        if not 0 < len(name) <= MAX_TAG_LENGTH or len(value) > MAX_TAG_LENGTH:
            msg = f"tag {name!r:.60}: name and value may have {MAX_TAG_LENGTH} characters each"
            error = {"loc": ["tags", name[:MAX_TAG_LENGTH]], "msg": "too long", "type": "too_long"}
            raise PayloadError(msg, errors=[error])
    return dict(tags)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the known name nearest to `name`, or an empty text."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
