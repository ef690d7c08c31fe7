"""Values to JSON text and back, by type, so that what is stored can always be read again.

JSON is the only format. A value that JSON would change in silence is refused instead: NaN and
infinities (pydantic would write null), pydantic secrets (it would write "**********"), NUL
characters and lone surrogates (PostgreSQL takes neither), keys that are the same text in JSON,
more than 100 levels, and whatever does not read back.
"""

from __future__ import annotations

import functools
from typing import Any, Generic, Literal, TypeVar

import pydantic_core
from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

from gorkflow.definition.secrecy import find_secret
from gorkflow.definition.shapes import NEVER
from gorkflow.definition.storable import path_text, printable, storable_json
from gorkflow.definition.types import type_name
from gorkflow.errors import DefinitionError, PayloadError
from gorkflow.records import Json

T = TypeVar("T")

MAX_FIELD_ERRORS = 100
"""Field errors that one PayloadError lists; `data["error_count"]` tells how many there were."""

# A handler that never returns has nothing to be checked.
_UNTYPED = (Any, object, *NEVER)


class Codec(Generic[T]):
    """Loads and dumps the values of one type.

    Args:
        annotation: any type that pydantic knows; Any takes every JSON value.
        what: what the values are, for messages ("input of step 'charge'").
        validate: False hands values over as plain JSON data, unchecked, and dumps them untyped.

    """

    def __init__(self, annotation: Any, *, what: str = "value", validate: bool = True) -> None:
        self.annotation = annotation
        self.what = what
        self.validate = validate
        self._typed = validate and annotation not in _UNTYPED

    def __repr__(self) -> str:
        return f"Codec({type_name(self.annotation)}, what={self.what!r}, validate={self.validate})"

    def load(self, text: Json) -> T:
        """Return the value of a JSON text.

        Raises:
            PayloadError: the text is not JSON, or does not fit the type.

        """
        try:
            if self._typed:
                return self.adapter.validate_json(text)
            value: T = pydantic_core.from_json(text)
        except ValidationError as error:
            raise _invalid(self.what, error) from None
        except ValueError as error:
            msg = f"{self.what} is not JSON: {error}"
            raise PayloadError(msg) from None
        return value

    def dump(self, value: Any, *, what: str | None = None, max_bytes: int | None = None) -> Json:
        """Return `value` as JSON text that `load` turns into an equal value.

        Args:
            value: an instance of the type, or what validation makes into one.
            what: what the value is, for messages; the codec's own `what` if left out.
            max_bytes: how long the text may be, in UTF-8.

        Raises:
            PayloadError: it does not fit the type, or cannot be stored as JSON.

        """
        name = what or self.what
        if not self._typed:
            return dump_json(value, what=name, max_bytes=max_bytes)
        try:
            checked = self.adapter.validate_python(value)
        except ValidationError as error:
            raise _invalid(name, error) from None
        text = storable_json(checked, self._write, self._plain, name, max_bytes)
        self._refuse_unreadable(text, name)
        return text

    def json_schema(self, mode: Literal["validation", "serialization"]) -> dict[str, Any]:
        """Return the type's JSON Schema; an empty one where it has none or is not validated."""
        if not self._typed:
            return {}
        try:
            return self.adapter.json_schema(by_alias=True, mode=mode)
        except PydanticInvalidForJsonSchema:
            return {}

    @functools.cached_property
    def adapter(self) -> TypeAdapter[T]:
        """The pydantic TypeAdapter, built at the first use.

        Raises:
            DefinitionError: pydantic cannot handle the type, or it holds a secret.

        """
        return _adapter(self.annotation, self.what)

    def prepare(self) -> None:
        """Build what `load` and `dump` need now. Raises DefinitionError like `adapter`."""
        if self._typed:
            self.adapter  # noqa: B018  the property builds it

    def _write(self, value: Any) -> bytes:
        return self.adapter.dump_json(value, by_alias=True, round_trip=True, warnings=False)

    def _plain(self, value: Any) -> Any:
        return self.adapter.dump_python(
            value, mode="json", by_alias=True, round_trip=True, warnings=False
        )

    def _refuse_unreadable(self, text: Json, what: str) -> None:
        # A model that was changed after it was validated, an alias that is written but not read,
        # an excluded field: all of them would fail in the next step, where nobody would look.
        try:
            self.adapter.validate_json(text)
        except ValidationError as error:
            raise _invalid(what, error, problem="cannot be read back from its own JSON") from None


def dump_json(value: Any, *, what: str, max_bytes: int | None = None) -> Json:
    """Return any JSON-like value as JSON text, without a type to check it against.

    Models, dataclasses, dates, sets and the like are written as pydantic writes them and come
    back as plain JSON data.

    Raises:
        PayloadError: it cannot be stored as JSON.

    """
    return storable_json(value, _write_untyped, _plain_untyped, what, max_bytes)


def _write_untyped(value: Any) -> bytes:
    return pydantic_core.to_json(value, by_alias=True, round_trip=True, inf_nan_mode="constants")


def _plain_untyped(value: Any) -> Any:
    return pydantic_core.to_jsonable_python(value, by_alias=True, round_trip=True)


def _adapter(annotation: Any, what: str) -> TypeAdapter[Any]:
    try:
        # repr: int | str equals str | int but is not tried in the same order.
        return _cached_adapter(annotation, repr(annotation))
    except _SecretFoundError as error:
        msg = f"{what}: {error}"
    except PydanticUserError as error:
        reason = error.message.splitlines()[0]
        msg = f"{what} has the type {type_name(annotation)}, which pydantic cannot use: {reason}"
    except (NameError, TypeError) as error:
        msg = f"{what} has the type {type_name(annotation)}, which pydantic cannot use: {error}"
    raise DefinitionError(msg)


class _SecretFoundError(Exception):
    pass


def _build_adapter(annotation: Any) -> TypeAdapter[Any]:
    found = find_secret(annotation)
    if found is not None:
        raise _SecretFoundError(found)
    return TypeAdapter(annotation)


@functools.lru_cache(maxsize=2048)
def _remembered_adapter(annotation: Any, spelled: str) -> TypeAdapter[Any]:  # noqa: ARG001  key
    return _build_adapter(annotation)


def _cached_adapter(annotation: Any, spelled: str) -> TypeAdapter[Any]:
    try:
        hash(annotation)
    except TypeError:
        return _build_adapter(annotation)
    return _remembered_adapter(annotation, spelled)


def _invalid(what: str, error: ValidationError, problem: str = "is not valid") -> PayloadError:
    # Never the values: they may be secret, and the error is stored and logged.
    found = error.errors(include_url=False, include_input=False, include_context=False)
    errors = [
        {
            "loc": [printable(part) if isinstance(part, str) else part for part in each["loc"]],
            "msg": printable(each["msg"]),
            "type": each["type"],
        }
        for each in found[:MAX_FIELD_ERRORS]
    ]
    first = errors[0]
    where = f"{path_text(first['loc'])}: " if first["loc"] else ""
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    msg = f"{what} {problem}: {where}{first['msg']}{more}"
    return PayloadError(msg, errors=errors, error_count=len(found))
