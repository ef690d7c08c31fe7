"""Finds pydantic secrets in a type, because JSON text would hold a mask instead of the secret.

They are refused when the workflow is built, not stored in the clear behind the author's back. An
author who wants them stored says so: with a serializer on the field, or by a plain `str`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import (
    BaseModel,
    PlainSerializer,
    Secret,
    SecretBytes,
    SecretStr,
    WrapSerializer,
)

from gorkflow.definition.shapes import has_fields, hints_of
from gorkflow.definition.types import type_name

_SECRETS = (Secret, SecretStr, SecretBytes)
_SERIALIZERS = (PlainSerializer, WrapSerializer)


def find_secret(annotation: Any) -> str | None:
    """Return a sentence about the first secret that a value of the type would lose, or None."""
    return next(_secrets(annotation, "", set()), None)


def _secrets(annotation: Any, path: str, seen: set[Any]) -> Iterator[str]:
    if get_origin(annotation) is Annotated:
        annotation, *metadata = get_args(annotation)
        if any(isinstance(each, _SERIALIZERS) for each in metadata):
            return
    kind = get_origin(annotation) or annotation
    if not isinstance(kind, type):
        yield from _secrets_of_arguments(annotation, path, seen)
    elif issubclass(kind, _SECRETS):
        where = f"field {path!r}" if path else "the value"
        yield (
            f"{where} is a {type_name(annotation)}, which would be stored as '**********' and lost;"
            " hand over a reference to the secret, or give the field a serializer that keeps it"
        )
    elif kind not in seen:
        # One visit each: a type that was looked at through one field has no other answer elsewhere.
        if has_fields(kind):
            seen.add(kind)
            yield from _secrets_of_fields(kind, path, seen)
        yield from _secrets_of_arguments(annotation, path, seen)


def _secrets_of_arguments(annotation: Any, path: str, seen: set[Any]) -> Iterator[str]:
    for argument in get_args(annotation):
        yield from _secrets(argument, path, seen)


def _secrets_of_fields(kind: type, path: str, seen: set[Any]) -> Iterator[str]:
    decorators = getattr(kind, "__pydantic_decorators__", None)
    if decorators is not None and decorators.model_serializers:
        return
    serialized = {
        name
        for each in (decorators.field_serializers.values() if decorators is not None else ())
        for name in each.info.fields
    }
    for name, annotation in _annotations(kind):
        if name not in serialized and "*" not in serialized:
            yield from _secrets(annotation, f"{path}.{name}" if path else name, seen)


def _annotations(kind: type) -> Iterator[tuple[str, Any]]:
    if not issubclass(kind, BaseModel):
        yield from hints_of(kind).items()
        return
    for name, field in kind.model_fields.items():
        if not field.exclude and not any(isinstance(each, _SERIALIZERS) for each in field.metadata):
            yield name, field.annotation
