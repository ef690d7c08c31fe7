"""Keeps secrets out of what people are shown of payloads.

An author marks a field as secret in its JSON Schema: by a pydantic `SecretStr` that has a
serializer, or by `Field(json_schema_extra={"writeOnly": True})`. The stored payload keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "**********"

Schema = Mapping[str, Any]

_VARIANTS = ("anyOf", "oneOf", "allOf")
_DEFINITIONS = "#/$defs/"


def redacted(value: Any, schema: Schema) -> Any:
    """Return JSON data with what its schema calls secret replaced by MASK.

    Where a value may be of several types, what is secret in any of them is.
    """
    if not _has_secrets(schema):
        return value
    return _Redaction(schema.get("$defs", {})).of(value, [schema])


def _has_secrets(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        return _is_secret(schema) or any(map(_has_secrets, schema.values()))
    return isinstance(schema, list | tuple) and any(map(_has_secrets, schema))


def _is_secret(schema: Schema) -> bool:
    return schema.get("writeOnly") is True or schema.get("format") == "password"


class _Redaction:
    """Goes through a value once, whatever number of types each part of it may have."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def of(self, value: Any, schemas: Iterable[Any]) -> Any:
        if value is None:
            return None
        possible = self._possible(schemas)
        if any(map(_is_secret, possible)):
            return MASK
        if isinstance(value, dict):
            return {name: self.of(each, _of_member(name, possible)) for name, each in value.items()}
        if isinstance(value, list):
            return [self.of(each, _of_item(place, possible)) for place, each in enumerate(value)]
        return value

    def _possible(self, schemas: Iterable[Any]) -> list[Schema]:
        """Return the schemas with all that they refer to, each of them once."""
        found: dict[int, Schema] = {}
        waiting = [each for each in schemas if isinstance(each, Mapping)]
        while waiting:
            schema = waiting.pop()
            if id(schema) in found:
                continue
            found[id(schema)] = schema
            waiting.extend(each for name in _VARIANTS for each in schema.get(name, ()))
            ref = str(schema.get("$ref", ""))
            if ref.startswith(_DEFINITIONS):
                waiting.append(self._definitions.get(ref.removeprefix(_DEFINITIONS), {}))
        return list(found.values())


def _of_member(name: str, schemas: Iterable[Schema]) -> Iterator[Any]:
    for schema in schemas:
        yield schema.get("properties", {}).get(name, schema.get("additionalProperties"))


def _of_item(place: int, schemas: Iterable[Schema]) -> Iterator[Any]:
    for schema in schemas:
        first = schema.get("prefixItems", ())
        yield first[place] if place < len(first) else schema.get("items")
