"""What an annotation looks like in JSON: its fields, its items, or its values.

`plain` takes off everything around a type; the other functions then tell its shape.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import typing_extensions
from pydantic import AfterValidator, AliasChoices, BaseModel, RootModel
from pydantic.fields import FieldInfo

NoneType = type(None)

UNIONS = (Union, types.UnionType)
_QUALIFIERS = {
    qualifier
    for module in (typing, typing_extensions)
    for name in ("Required", "NotRequired", "ReadOnly", "Final", "ClassVar")
    if (qualifier := getattr(module, name, None)) is not None
}
_REQUIRED = (typing.Required, typing_extensions.Required)
_NOT_REQUIRED = (typing.NotRequired, typing_extensions.NotRequired)
NEVER = (typing.NoReturn, typing.Never)
# From Python 3.12 on they are two classes.
_ALIASES = (
    typing_extensions.TypeAliasType,
    getattr(typing, "TypeAliasType", typing_extensions.TypeAliasType),
)
_OWN_SCHEMA = "__get_pydantic_core_schema__"
_PLAIN = (
    *(bool, int, float, Decimal, str, bytes, datetime, date, time, timedelta, UUID, PurePath),
    *(Enum, NoneType, Mapping, tuple, list, set, frozenset, deque),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a model, dataclass or TypedDict."""

    written: str
    """Its key in the JSON that the type writes."""
    read: frozenset[str]
    """The keys that the type reads it from; empty where that cannot be told."""
    type: Any
    required: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A type with named fields."""

    fields: tuple[Field, ...]
    open: bool
    """Whether it keeps keys that it has no field for."""
    closed: bool
    """Whether it refuses them."""


@dataclass(frozen=True, slots=True)
class Items:
    """A type that is an array in JSON."""

    types: tuple[Any, ...]
    """One for each item, or a single one for all."""
    fixed: bool
    """Whether the number of items is known."""


def plain(annotation: Any) -> Any:
    """Return the annotation without what is around it; Any where its JSON cannot be foreseen."""
    annotation = stripped(annotation, _is_opaque)
    if annotation is None:
        return NoneType
    if annotation is object or isinstance(annotation, str | typing.ForwardRef):
        return Any
    if isinstance(annotation, typing.TypeVar):
        return plain(annotation.__bound__) if annotation.__bound__ is not None else Any
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        root = annotation.model_fields.get("root")
        return Any if root is None or _is_opaque_class(annotation) else plain(root.annotation)
    return Any if _is_opaque_class(get_origin(annotation) or annotation) else annotation


def union_members(annotation: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type alone if it is none."""
    return get_args(annotation) if get_origin(annotation) in UNIONS else (annotation,)


def is_typed_dict(kind: Any) -> bool:
    """Tell whether a class is a TypedDict, of `typing` or of `typing_extensions`."""
    return typing_extensions.is_typeddict(kind)


def hints_of(kind: Any) -> dict[str, Any]:
    """Return the annotations of a class's fields, or none where a name cannot be resolved."""
    try:
        return typing_extensions.get_type_hints(kind, include_extras=True)
    except (NameError, TypeError):
        return {}


def items_of(annotation: Any) -> Items | None:
    """Return what an array type holds, or None if the type is no array in JSON."""
    kind, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if not isinstance(kind, type) or issubclass(kind, str | bytes | Mapping | Enum):
        return None
    if issubclass(kind, tuple):
        return _tuple_items(kind, arguments)
    if issubclass(kind, list | set | frozenset | deque) or kind in _ARRAYS:
        return Items(arguments[:1] or (Any,), fixed=False)
    return None


def mapping_value(annotation: Any) -> Any | None:
    """Return the type of a mapping's values, or None if the type is no mapping."""
    kind, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if not isinstance(kind, type) or is_typed_dict(kind) or not issubclass(kind, Mapping):
        return None
    return arguments[1] if len(arguments) == 2 else Any  # noqa: PLR2004  keys, values


def record_of(annotation: Any) -> Record | None:
    """Return the fields of a model, dataclass or TypedDict, or None for any other type."""
    kind = get_origin(annotation) or annotation
    if not isinstance(kind, type) or not has_fields(kind):
        return None
    config = getattr(kind, "model_config", None) or getattr(kind, "__pydantic_config__", {})
    extra = config.get("extra")
    known = getattr(kind, "__pydantic_fields__", {} if issubclass(kind, BaseModel) else None)
    fields = _plain_fields(kind) if known is None else _pydantic_fields(kind, known, config)
    return Record(tuple(fields), open=extra == "allow", closed=extra == "forbid")


_ARRAYS = {
    typing.get_origin(alias)
    for alias in (
        typing.Sequence,
        typing.MutableSequence,
        typing.Iterable,
        typing.Collection,
        typing.AbstractSet,
        typing.MutableSet,
    )
}


def _tuple_items(kind: type, arguments: tuple[Any, ...]) -> Items:
    if kind is not tuple and hasattr(kind, "_fields"):
        hints = hints_of(kind)
        return Items(tuple(hints.get(name, Any) for name in kind._fields), fixed=True)
    if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004  tuple[X, ...]
        return Items(arguments[:1], fixed=False)
    return Items(arguments, fixed=True) if arguments else Items((Any,), fixed=False)


def _plain_fields(kind: Any) -> Iterator[Field]:
    """Go through the fields of a TypedDict or a standard dataclass."""
    hints = hints_of(kind)
    if is_typed_dict(kind):
        # __required_keys__ knows nothing of a NotRequired that was written as text.
        needed = {
            name: get_origin(hints.get(name)) not in _NOT_REQUIRED
            and (name in kind.__required_keys__ or get_origin(hints.get(name)) in _REQUIRED)
            for name in kind.__annotations__
        }
    else:
        needed = {
            field.name: field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
            for field in dataclasses.fields(kind)
            if field.init
        }
    for name, required in needed.items():
        yield Field(name, frozenset({name}), hints.get(name, Any), required)


def _pydantic_fields(
    kind: type, known: Mapping[str, FieldInfo], config: Mapping[str, Any]
) -> Iterator[Field]:
    """Go through the fields of a model or a pydantic dataclass, by the names they have in JSON."""
    by_name = config.get("populate_by_name") or config.get("validate_by_name")
    opaque = _opaque_fields(kind)
    for name, field in known.items():
        annotation: Any = field.annotation
        if name in opaque or "*" in opaque:
            annotation = Any
        elif field.metadata:
            annotation = Annotated[(annotation, *field.metadata)]
        alias = field.validation_alias or field.alias or name
        read = {alias} if isinstance(alias, str) else set()
        if isinstance(alias, AliasChoices):
            read = {each for each in alias.choices if isinstance(each, str)}
        if by_name and read:
            read.add(name)
        written = field.serialization_alias or field.alias or name
        yield Field(written, frozenset(read), annotation, field.is_required())


def stripped(annotation: Any, opaque: Callable[[Any], bool] = lambda _: False) -> Any:
    """Take off Annotated, NewType, type aliases and qualifiers; Any where metadata is opaque."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *metadata = get_args(annotation)
            if any(map(opaque, metadata)):
                return Any
        elif origin in _QUALIFIERS:
            (annotation,) = get_args(annotation)
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif isinstance(annotation, _ALIASES):
            annotation = annotation.__value__
        else:
            return annotation


def _is_opaque(metadata: Any) -> bool:
    # Before, wrap and plain validators, serializers, Json and the like change what is read or
    # written in ways that only running them shows; what comes after validation does not.
    return hasattr(metadata, _OWN_SCHEMA) and not isinstance(metadata, AfterValidator)


def _is_opaque_class(kind: Any) -> bool:
    """Tell whether a class has its own code between it and JSON, or is none that is known here."""
    if kind in NEVER or kind is Literal or kind in UNIONS:
        return False
    if not isinstance(kind, type):
        return True
    if not has_fields(kind):
        return hasattr(kind, _OWN_SCHEMA) or not (issubclass(kind, _PLAIN) or kind in _ARRAYS)
    if issubclass(kind, BaseModel):
        own = kind.__get_pydantic_core_schema__
        if own.__func__ is not BaseModel.__get_pydantic_core_schema__.__func__:  # type: ignore[attr-defined]
            return True
    decorators = getattr(kind, "__pydantic_decorators__", None)
    return decorators is not None and (
        bool(decorators.model_serializers)
        or any(each.info.mode != "after" for each in decorators.model_validators.values())
    )


def _opaque_fields(kind: Any) -> set[str]:
    """Return the fields that a validator or serializer of the class stands in front of."""
    decorators = kind.__pydantic_decorators__
    found: set[str] = set()
    for each in decorators.field_serializers.values():
        found.update(each.info.fields)
    for validator in decorators.field_validators.values():
        if validator.info.mode != "after":
            found.update(validator.info.fields)
    return found


def has_fields(kind: type) -> bool:
    """Tell whether a class is a model, a dataclass or a TypedDict."""
    return issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind) or is_typed_dict(kind)
