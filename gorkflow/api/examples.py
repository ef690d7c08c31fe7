"""An example of what a JSON Schema describes, to begin from when somebody writes a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEFINITIONS = "#/$defs/"
_MAX_DEPTH = 8
_SAID = ("default", "const")
_BY_TYPE = {"string": "text", "integer": 1, "number": 1.0, "boolean": True}
_BY_FORMAT = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00",
    "duration": "PT1M",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "email": "ann@example.org",
    "uri": "https://example.org/",
}


def example_of(schema: Mapping[str, Any]) -> Any:
    """Return an example: the author's own where there are some, else what a value looks like.

    It has the required members alone, and need not keep to every limit.
    """
    return _example(schema, schema.get("$defs", {}), 0)


def _example(schema: Any, definitions: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return None
    said = [*schema.get("examples", ()), *(schema[name] for name in _SAID if name in schema)]
    if said or schema.get("enum"):
        return (said or schema["enum"])[0]
    ref = str(schema.get("$ref", ""))
    possible = [definitions.get(ref.removeprefix(_DEFINITIONS))] if ref else []
    for name in ("anyOf", "oneOf", "allOf"):
        possible += schema.get(name, [])
    if possible:
        return _example(possible[0], definitions, depth + 1)
    return _of_type(schema, definitions, depth)


def _of_type(schema: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> Any:
    if schema.get("type") == "object":
        members = schema.get("properties", {})
        wanted = [name for name in schema.get("required", ()) if name in members]
        return {name: _example(members[name], definitions, depth + 1) for name in wanted}
    if schema.get("type") == "array":
        kinds = schema.get("prefixItems") or [schema.get("items")]
        return [_example(kind, definitions, depth + 1) for kind in kinds]
    plain = _BY_FORMAT.get(str(schema.get("format")), _BY_TYPE.get(str(schema.get("type"))))
    return schema.get("minimum", plain)
