"""Reading JSON Schema: references, what may be null, and what a value is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

_DEFINITIONS = "#/$defs/"
_OWN_WORDS = ("title", "description", "default", "examples")


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a schema describes."""

    schema: Schema
    """With references followed, and without null."""
    nullable: bool


def read(schema: Schema, definitions: Mapping[str, Schema]) -> Value:
    """Return the value behind references and `| None`; what is left may still be a union."""
    found = _followed(schema, definitions)
    variants = found.get("anyOf")
    if variants is None:
        return Value(found, nullable=found.get("type") == "null")
    others = [_followed(each, definitions) for each in variants]
    kept = [each for each in others if each.get("type") != "null"]
    nullable = len(kept) < len(others)
    words = {name: found[name] for name in _OWN_WORDS if name in found}
    if len(kept) == 1:
        return Value({**kept[0], **words}, nullable)
    if sorted(each.get("type", "") for each in kept) == ["number", "string"]:
        # How pydantic describes a Decimal: a number, or text that is one.
        return Value({**words, "type": "string"}, nullable)
    return Value({**words, "anyOf": kept}, nullable)


def title(schema: Schema, key: str) -> str:
    """Return what a value is called: the title that the author gave it, else its key in words."""
    words = key.replace("_", " ").replace("-", " ").strip()
    given = str(schema.get("title") or "")
    # Pydantic makes titles of names, with a capital for every word.
    name = given if given and given.casefold() != words.casefold() else words
    return name[:1].upper() + name[1:]


def is_secret(schema: Schema) -> bool:
    """Tell whether the author marked the value as secret."""
    return schema.get("writeOnly") is True or schema.get("format") == "password"


def _followed(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    found = dict(schema)
    # Definitions may refer to definitions; a circle of nothing but references has no value.
    for _ in range(len(definitions) + 1):
        ref = found.pop("$ref", None)
        if ref is None:
            break
        target = definitions.get(str(ref).removeprefix(_DEFINITIONS), {})
        found = {**target, **found}
    return found
