"""Whether a step can take what comes before it: kinds of fan-in, and the checks of `build()`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import RootModel

from gorkflow.definition.graph import Join
from gorkflow.definition.shapes import (
    Field,
    Record,
    items_of,
    mapping_value,
    plain,
    record_of,
    stripped,
    union_members,
)
from gorkflow.definition.types import compatible, type_name, type_names

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Handed:
    """What a parent hands on."""

    step_id: str
    type: Any
    may_fail: bool = False
    """Whether the run goes on without it: then it hands on None, and by id nothing."""


def join_of(wanted: Any, parents: Sequence[str]) -> Join:
    """Tell how a step with these parents gets its input, by the type that it wants."""
    if not parents:
        return Join.RUN
    if len(parents) == 1:
        return Join.SINGLE
    return Join.BY_ID if _is_by_id(wanted) else Join.TUPLE


def mismatch(step_id: str, wanted: Any, join: Join, parents: Sequence[Handed]) -> str | None:
    """Return why the step cannot take what its parents hand on, or None if it might."""
    if join is Join.RUN or wanted is Any:
        return None
    if join is Join.SINGLE:
        return _single(step_id, wanted, parents[0])
    wanted = plain(wanted)
    check = _tuple if join is Join.TUPLE else _by_id
    found: str | None = None
    for member in union_members(wanted):
        problem = check(step_id, plain(member), parents)
        if problem is None:
            return None
        found = found or problem
    return found


def _is_by_id(wanted: Any) -> bool:
    members = [stripped(each) for each in union_members(stripped(wanted))]
    if any(items_of(each) is not None for each in members):
        return False
    for member in members:
        if isinstance(member, type) and issubclass(member, RootModel):
            return _is_by_id(member.model_fields["root"].annotation)
        if record_of(member) is not None or mapping_value(member) is not None:
            return True
    return False


def _single(step_id: str, wanted: Any, parent: Handed) -> str | None:
    if _needs(parent, wanted):
        return _failing(step_id, wanted, parent, f"take {type_name(wanted)} | None")
    if compatible(parent.type, wanted):
        return None
    puts_out, takes = type_names(parent.type, wanted)
    return f"step {step_id!r} takes {takes}, but {parent.step_id!r} before it puts out {puts_out}"


def _tuple(step_id: str, wanted: Any, parents: Sequence[Handed]) -> str | None:
    if wanted is Any:
        return None
    items = items_of(wanted)
    if items is None:
        right = f"tuple[{', '.join(type_name(each.type) for each in parents[:_SHOWN])}"
        right += ", ...]" if len(parents) > _SHOWN else "]"
        return (
            f"step {step_id!r} takes {type_name(wanted)}, but it comes after {_listed(parents)} and"
            f" gets all their outputs: take {right}, or a model with a field for each"
        )
    if items.fixed and len(items.types) != len(parents):
        return (
            f"step {step_id!r} takes {type_name(wanted)}, {len(items.types)} values, but it comes"
            f" after {len(parents)} steps: {_listed(parents)}"
        )
    types = items.types if items.fixed else items.types * len(parents)
    for parent, takes in zip(parents, types, strict=True):
        if _needs(parent, takes):
            return _failing(step_id, wanted, parent, f"take {type_name(takes)} | None there")
        if not compatible(parent.type, takes):
            names = type_names(parent.type, takes)
            return (
                f"step {step_id!r} takes {type_name(wanted)}, but {parent.step_id!r} before it puts"
                f" out {names[0]}, where {names[1]} is taken"
            )
    return None


def _by_id(step_id: str, wanted: Any, parents: Sequence[Handed]) -> str | None:
    record = record_of(wanted)
    if record is not None:
        return next(_record_problems(step_id, wanted, record, parents), None)
    value = mapping_value(wanted)
    if value is None and wanted is not Any:
        return f"step {step_id!r} takes {type_name(wanted)}, but it comes after {_listed(parents)}"
    fields = ((parent, value) for parent in parents)
    return next(_field_problems(step_id, wanted, fields), None)


def _record_problems(
    step_id: str, wanted: Any, record: Record, parents: Sequence[Handed]
) -> Iterator[str]:
    by_id = {parent.step_id: parent for parent in parents}
    used: set[str] = set()
    pairs: list[tuple[Handed, Any]] = []
    for field in record.fields:
        found = field.read & by_id.keys()
        used |= found
        pairs.extend((by_id[key], field.type) for key in found)
        if field.required and found and all(by_id[key].may_fail for key in found):
            parent = by_id[min(found)]
            yield _failing(step_id, wanted, parent, f"give the field {_key(field)!r} a default")
        if not found and field.required and field.read:
            yield (
                f"step {step_id!r} takes {type_name(wanted)}, whose field {_key(field)!r} is the id"
                f" of no step before it; these are {_listed(parents)}"
            )
    yield from _field_problems(step_id, wanted, pairs)
    if record.closed and by_id.keys() - used:
        left = ", ".join(repr(each) for each in by_id if each not in used)
        yield f"step {step_id!r} takes {type_name(wanted)}, which has no field for {left}"


def _field_problems(step_id: str, wanted: Any, pairs: Any) -> Iterator[str]:
    for parent, takes in pairs:
        if not compatible(parent.type, takes):
            puts_out, asked = type_names(parent.type, takes)
            yield (
                f"step {step_id!r} takes {type_name(wanted)}, but {parent.step_id!r} before it puts"
                f" out {puts_out}, where {asked} is taken"
            )


def _needs(parent: Handed, takes: Any) -> bool:
    return parent.may_fail and not compatible(None, takes)


def _failing(step_id: str, wanted: Any, parent: Handed, remedy: str) -> str:
    return (
        f"step {step_id!r} takes {type_name(wanted)}, but {parent.step_id!r} before it may fail and"
        f" be passed over (continue_on_error): {remedy}"
    )


def _key(field: Field) -> str:
    return min(field.read)


def _listed(parents: Sequence[Handed]) -> str:
    shown = ", ".join(repr(each.step_id) for each in parents[:_SHOWN])
    return f"{shown} and {len(parents) - _SHOWN} more" if len(parents) > _SHOWN else shown
