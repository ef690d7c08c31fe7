"""Whether what one step puts out can be what the next one takes, and how to name a type.

Values travel as JSON, so the question is whether the JSON of the one could be read as the other.
The answer is cautious: no only where it can never be, yes wherever it might.
"""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from gorkflow.definition.shapes import (
    NEVER,
    UNIONS,
    Items,
    NoneType,
    Record,
    is_typed_dict,
    items_of,
    mapping_value,
    plain,
    record_of,
    stripped,
    union_members,
)

# What a scalar is in JSON, and what its type reads from JSON. The first class that fits decides.
_WRITES: tuple[tuple[type, frozenset[str]], ...] = (
    (bool, frozenset({"bool"})),
    (int, frozenset({"int"})),
    (float, frozenset({"float"})),
    (Decimal, frozenset({"text", "float"})),
    *(
        (kind, frozenset({"text"}))
        for kind in (str, bytes, datetime, date, time, timedelta, UUID, PurePath)
    ),
)
_READS: tuple[tuple[type, frozenset[str]], ...] = (
    (bool, frozenset({"bool"})),
    (int, frozenset({"bool", "int"})),
    (float, frozenset({"bool", "int", "float"})),
    (Decimal, frozenset({"int", "float", "text"})),
    *((kind, frozenset({"int", "float", "text"})) for kind in (datetime, date, time, timedelta)),
    *((kind, frozenset({"text"})) for kind in (str, bytes, UUID, PurePath)),
)


def compatible(produced: Any, wanted: Any) -> bool:
    """Tell whether a value of type `produced` could be taken where `wanted` is asked for.

    Any fits everything. Of a union one member has to fit, and it must not be the None alone.
    Models (and dataclasses) fit their own kind by inheritance, everything else by shape.
    """
    return produced is wanted or _fits(produced, wanted, frozenset())


def same_type(one: Any, other: Any) -> bool:
    """Tell whether two annotations mean the same type, whatever is annotated on them."""
    return bool(plain(one) == plain(other))


def type_name(annotation: Any) -> str:
    """Return the type as an author would write it, without modules."""
    annotation = stripped(annotation)
    if annotation in (None, NoneType, Ellipsis):
        return "..." if annotation is Ellipsis else "None"
    if isinstance(annotation, list):
        return f"[{', '.join(map(type_name, annotation))}]"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in UNIONS:
        return " | ".join(map(type_name, arguments))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is not None and (arguments or origin is tuple):
        return f"{type_name(origin)}[{', '.join(map(type_name, arguments)) or '()'}]"
    return str(getattr(annotation, "__name__", None) or annotation).removeprefix("typing.")


def type_names(one: Any, other: Any) -> tuple[str, str]:
    """Return the names of two types, with their modules where they would read the same."""
    names = type_name(one), type_name(other)
    return names if names[0] != names[1] else (_full_name(one), _full_name(other))


def one_of(*annotations: Any) -> Any:
    """Return the union of the types; Any if one of them is."""
    if any(plain(each) is Any for each in annotations):
        return Any
    return Union[annotations]  # noqa: UP007  the members are known at run time only


def _fits(produced: Any, wanted: Any, seen: frozenset[tuple[Any, Any]]) -> bool:
    produced, wanted = plain(produced), plain(wanted)
    if produced is Any or wanted is Any or produced in NEVER or produced == wanted:
        return True
    offered = _without_none(union_members(produced))
    if len(offered) > 1 or offered[0] is not produced:
        none_is_asked_for = wanted is NoneType and NoneType in union_members(produced)
        return none_is_asked_for or any(_fits(each, wanted, seen) for each in offered)
    accepted = union_members(wanted)
    if len(accepted) > 1:
        return any(_fits(produced, each, seen) for each in accepted)
    if NoneType in (produced, wanted):
        return False
    if Literal in (get_origin(produced), get_origin(wanted)):
        return _literals_fit(produced, wanted, seen)
    return _shapes_fit(produced, wanted, seen)


def _without_none(members: tuple[Any, ...]) -> tuple[Any, ...]:
    kept = tuple(each for each in members if each is not NoneType)
    return kept or members


def _literals_fit(produced: Any, wanted: Any, seen: frozenset[tuple[Any, Any]]) -> bool:
    offered = get_args(produced) if get_origin(produced) is Literal else None
    accepted = get_args(wanted) if get_origin(wanted) is Literal else None
    if offered is not None and accepted is not None:
        return any(_json_value(each) in map(_json_value, accepted) for each in offered)
    if offered is not None:
        return any(_fits(type(each), wanted, seen) for each in offered)
    return any(_fits(produced, type(each), seen) for each in accepted or ())


def _json_value(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _shapes_fit(produced: Any, wanted: Any, seen: frozenset[tuple[Any, Any]]) -> bool:
    if (produced, wanted) in seen:
        return True
    seen |= {(produced, wanted)}
    out_items, in_items = items_of(produced), items_of(wanted)
    if out_items is not None or in_items is not None:
        return (
            out_items is not None and in_items is not None and _items_fit(out_items, in_items, seen)
        )
    if _is_object(produced) or _is_object(wanted):
        return _is_object(produced) and _is_object(wanted) and _objects_fit(produced, wanted, seen)
    return _scalars_fit(produced, wanted)


def _items_fit(produced: Items, wanted: Items, seen: frozenset[tuple[Any, Any]]) -> bool:
    if produced.fixed and wanted.fixed:
        return len(produced.types) == len(wanted.types) and all(
            _fits(one, other, seen) for one, other in zip(produced.types, wanted.types, strict=True)
        )
    return all(_fits(one, other, seen) for one in produced.types for other in wanted.types)


def _is_object(annotation: Any) -> bool:
    return record_of(annotation) is not None or mapping_value(annotation) is not None


def _objects_fit(produced: Any, wanted: Any, seen: frozenset[tuple[Any, Any]]) -> bool:
    out_kind, in_kind = get_origin(produced) or produced, get_origin(wanted) or wanted
    if issubclass(out_kind, in_kind) if not is_typed_dict(in_kind) else False:
        return _arguments_fit(produced, wanted, seen)
    if _same_family(out_kind, in_kind) and not issubclass(in_kind, out_kind):
        return False
    out_record, in_record = record_of(produced), record_of(wanted)
    if out_record is not None and in_record is not None:
        return _records_fit(out_record, in_record, seen)
    if out_record is not None:
        value = mapping_value(wanted)
        return all(_fits(field.type, value, seen) for field in out_record.fields)
    value = mapping_value(produced)
    if in_record is not None:
        return all(_fits(value, field.type, seen) for field in in_record.fields if field.required)
    return _fits(value, mapping_value(wanted), seen)


def _arguments_fit(produced: Any, wanted: Any, seen: frozenset[tuple[Any, Any]]) -> bool:
    if mapping_value(produced) is not None and mapping_value(wanted) is not None:
        return _fits(mapping_value(produced), mapping_value(wanted), seen)
    if get_origin(produced) is not get_origin(wanted):
        return True
    pairs = zip(get_args(produced), get_args(wanted), strict=False)
    return all(_fits(one, other, seen) for one, other in pairs)


def _same_family(one: type, other: type) -> bool:
    return (issubclass(one, BaseModel) and issubclass(other, BaseModel)) or (
        dataclasses.is_dataclass(one) and dataclasses.is_dataclass(other)
    )


def _records_fit(produced: Record, wanted: Record, seen: frozenset[tuple[Any, Any]]) -> bool:
    written = {field.written: field for field in produced.fields}
    used: set[str] = set()
    for field in wanted.fields:
        found = field.read & written.keys()
        used |= found
        if not found:
            if field.required and field.read and not produced.open:
                return False
        elif not any(_fits(written[key].type, field.type, seen) for key in found):
            return False
    return not (wanted.closed and written.keys() - used)


def _scalars_fit(produced: Any, wanted: Any) -> bool:
    writes, reads = _kinds(produced, _WRITES), _kinds(wanted, _READS)
    if writes is None or reads is None:
        return True
    if issubclass(produced, Enum) and issubclass(wanted, Enum):
        accepted = {each.value for each in wanted}
        return any(each.value in accepted for each in produced)
    return bool(writes & reads)


def _kinds(kind: Any, table: tuple[tuple[type, frozenset[str]], ...]) -> frozenset[str] | None:
    if not isinstance(kind, type):
        return None
    if issubclass(kind, Enum):
        found = [_kinds(type(each.value), table) for each in kind]
        return frozenset[str]().union(*(each for each in found if each is not None)) or None
    return next((kinds for known, kinds in table if issubclass(kind, known)), None)


def _full_name(annotation: Any) -> str:
    if isinstance(annotation, type) and not get_args(annotation):
        return f"{annotation.__module__}.{annotation.__qualname__}"
    return str(annotation)
