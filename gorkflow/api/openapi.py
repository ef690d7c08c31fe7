"""JSON Schema as pydantic writes it, in the words of OpenAPI 3.0, which knows less of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Schema = dict[str, Any]

_DEFINITIONS = "#/$defs/"
_COMPONENTS = "#/components/schemas/"
_KNOWN = frozenset(
    {
        "title", "description", "type", "format", "enum", "default", "nullable", "example",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "items", "minItems", "maxItems", "uniqueItems",
        "properties", "required", "additionalProperties", "minProperties", "maxProperties",
        "anyOf", "oneOf", "allOf", "not", "discriminator", "readOnly", "writeOnly", "deprecated",
    }
)  # fmt: skip
"""What is kept. Other words say more than OpenAPI 3.0 can: without them the schema lets more in."""

_ALONE = frozenset({"description", "title", "default"})
"""Words that may stand beside a reference."""


def split_definitions(schema: Mapping[str, Any], name: str) -> dict[str, Schema]:
    """Return the schema under `name` and what it defines under names of their own.

    References go to the components of an OpenAPI document; the words are still JSON Schema's.
    """
    rest = dict(schema)
    definitions = rest.pop("$defs", {})
    named = {f"{_DEFINITIONS}{key}": f"{_COMPONENTS}{name}{_plain(key)}" for key in definitions}
    found = {name: rest, **{f"{name}{_plain(key)}": each for key, each in definitions.items()}}
    return {key: _with_references(each, named) for key, each in found.items()}


def to_openapi_30(schema: Any) -> Schema:
    """Return a JSON Schema in the words of OpenAPI 3.0."""
    if not isinstance(schema, Mapping):
        # True lets everything in, False nothing.
        return {"not": {}} if schema is False else {}
    if "$ref" in schema:
        return _reference(schema)
    changed = {key: each for key, each in schema.items() if key in _KNOWN}
    for word, translate in _TRANSLATIONS.items():
        if word in schema:
            changed = translate(changed, schema[word])
    return changed


def _plain(name: str) -> str:
    return "".join(each for each in name if each.isascii() and (each.isalnum() or each in "._-"))


def _with_references(schema: Any, named: Mapping[str, str]) -> Any:
    if isinstance(schema, Mapping):
        return {key: _with_references(each, named) for key, each in schema.items()}
    if isinstance(schema, list | tuple):
        return [_with_references(each, named) for each in schema]
    return named.get(schema, schema) if isinstance(schema, str) else schema


def _reference(schema: Mapping[str, Any]) -> Schema:
    beside = {key: each for key, each in schema.items() if key in _ALONE}
    if not beside:
        return {"$ref": schema["$ref"]}
    # What stands beside a reference itself is not read.
    return {"allOf": [{"$ref": schema["$ref"]}], **beside}


def _types(changed: Schema, found: Any) -> Schema:
    kinds = [found] if isinstance(found, str) else list(found)
    named = [kind for kind in kinds if kind != "null"]
    rest = {key: each for key, each in changed.items() if key != "type"}
    if len(named) == 1:
        rest["type"] = named[0]
    elif named:
        rest["anyOf"] = [{"type": kind} for kind in named]
    return {**rest, "nullable": True} if "null" in kinds else rest


def _variants(word: str) -> Callable[[Schema, Any], Schema]:
    def translate(changed: Schema, found: Any) -> Schema:
        some = [each for each in found if each != {"type": "null"}]
        rest = {key: each for key, each in changed.items() if key != word}
        if len(some) < len(found):
            rest["nullable"] = True
        shown = [to_openapi_30(each) for each in some]
        if len(shown) == 1 and "$ref" not in shown[0]:
            return {**shown[0], **rest}
        return {**rest, ("allOf" if len(shown) == 1 else word): shown} if shown else rest

    return translate


def _exclusive(word: str, inclusive: str) -> Callable[[Schema, Any], Schema]:
    return lambda changed, found: {**changed, inclusive: found, word: True}


def _tuple_items(changed: Schema, found: Any) -> Schema:
    kinds = [to_openapi_30(each) for each in found]
    return {**changed, "items": {"anyOf": kinds} if kinds else {}}


def _member(schema: Schema) -> Schema:
    """Keep drf-spectacular from making components of choices under the names of their fields.

    Fields of different workflows have the same names, and it would warn of each.
    """
    if "enum" in schema:
        return {"allOf": [schema]}
    items = schema.get("items")
    if isinstance(items, dict) and "enum" in items:
        return {**schema, "items": {"allOf": [items]}}
    return schema


def _additional(changed: Schema, found: Any) -> Schema:
    return {
        **changed,
        "additionalProperties": found if isinstance(found, bool) else to_openapi_30(found),
    }


_TRANSLATIONS: dict[str, Callable[[Schema, Any], Schema]] = {
    "type": _types,
    "const": lambda changed, found: {**changed, "enum": [found]},
    "examples": lambda changed, found: {**changed, "example": found[0]} if found else changed,
    "exclusiveMinimum": _exclusive("exclusiveMinimum", "minimum"),
    "exclusiveMaximum": _exclusive("exclusiveMaximum", "maximum"),
    "anyOf": _variants("anyOf"),
    "oneOf": _variants("oneOf"),
    "allOf": _variants("allOf"),
    "items": lambda changed, found: {**changed, "items": to_openapi_30(found)},
    "prefixItems": _tuple_items,
    "not": lambda changed, found: {**changed, "not": to_openapi_30(found)},
    "properties": lambda changed, found: {
        **changed,
        "properties": {name: _member(to_openapi_30(each)) for name, each in found.items()},
    },
    "additionalProperties": _additional,
}
