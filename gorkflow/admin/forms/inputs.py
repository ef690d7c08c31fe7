"""The form of a workflow's input, generated from its JSON Schema.

What is written there goes through pydantic, whose errors come back to their fields.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _

from gorkflow.admin.forms.leaves import LOCAL_TIME, Leaf, json_leaf, leaf
from gorkflow.admin.forms.schemas import Schema, is_secret, read, title

MAX_DEPTH = 3
MAX_FIELDS = 100

ROOT = "input"
MISSING: Any = object()
"""Stands for a member that is left out, so that its default applies."""

Path = tuple[str, ...]

_LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A value of the input and the field it is typed into."""

    path: Path
    leaf: Leaf
    required: bool
    nullable: bool
    default: Any
    """MISSING where there is none."""

    @property
    def name(self) -> str:
        """The field's name: slashes, as in a JSON pointer."""
        return "/".join((ROOT, *(key.replace("~", "~0").replace("/", "~1") for key in self.path)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An object and its members."""

    path: Path
    title: str
    description: str
    required: bool
    """Whether it is there even if nothing is typed in."""
    parts: Sequence[Member | Group]


class InputForm(forms.Form):
    """A form of an input; made by `input_form`."""

    root: Member | Group

    def __init__(self, data: Any = None, *, value: Any = MISSING, **kwargs: Any) -> None:
        self._value = value
        super().__init__(data, **kwargs)
        for member in _members(self.root):
            field = self.fields[member.name] = copy.deepcopy(member.leaf.field)
            before = _at(value, member.path)
            shown = member.default if before is MISSING else before
            if member.leaf.secret:
                # Not shown, and what is not typed in stays as it was.
                field.required = field.required and before is MISSING
            elif shown is not MISSING:
                self.initial[member.name] = member.leaf.show(shown)
                _make_room(field.widget, shown)

    @property
    def json(self) -> str:
        """The input as JSON text. Ask a valid form only."""
        found = self._read(self.root)
        return json.dumps(None if found is MISSING else found)

    def add_errors(self, errors: Iterable[Mapping[str, Any]]) -> None:
        """Put pydantic's errors at the fields that they are about."""
        members = {member.path: member for member in _members(self.root)}
        for error in errors:
            path = tuple(map(str, error["loc"]))
            near = next(
                (path[:end] for end in range(len(path), -1, -1) if path[:end] in members), None
            )
            if near is None:
                where = f"{'.'.join(path)}: " if path else ""
                self.add_error(None, f"{where}{error['msg']}")
            else:
                rest = path[len(near) :]
                where = f"{'.'.join(rest)}: " if rest else ""
                self.add_error(members[near].name, f"{where}{error['msg']}")

    def layout(self) -> Iterator[dict[str, Any]]:
        """Give fields and groups for a template, in order: `{field}` or `{group, parts}`."""
        yield from self._laid(self.root if isinstance(self.root, Member) else self.root.parts)

    def _laid(self, parts: Member | Sequence[Member | Group]) -> Iterator[dict[str, Any]]:
        for part in [parts] if isinstance(parts, Member) else parts:
            if isinstance(part, Member):
                field: BoundField = self[part.name]
                yield {"field": field}
            else:
                yield {"group": part, "parts": list(self._laid(part.parts))}

    def _read(self, part: Member | Group) -> Any:
        if isinstance(part, Member):
            return self._read_member(part)
        if (
            not part.required
            and _at(self._value, part.path) is MISSING
            and self._is_untouched(part)
        ):
            return MISSING
        found = {each.path[-1]: self._read(each) for each in part.parts}
        return {key: value for key, value in found.items() if value is not MISSING}

    def _is_untouched(self, part: Group) -> bool:
        was_there = _at(self._value, part.path) is not MISSING
        return not was_there and not any(map(self._is_changed, _members(part)))

    def _is_changed(self, member: Member) -> bool:
        return member.name in self.changed_data

    def _read_member(self, member: Member) -> Any:
        before = _at(self._value, member.path)
        if before is not MISSING and not self._is_changed(member):
            # As it was, to the last digit, and though a secret is not shown.
            return before
        value = self.cleaned_data.get(member.name)
        if value is None or value in ("", []):
            return self._read_nothing(member)
        return member.leaf.read(value)

    def _read_nothing(self, member: Member) -> Any:
        if member.nullable and (member.required or member.default is not MISSING):
            return None
        field = member.leaf.field
        is_text = isinstance(field, forms.CharField) and not isinstance(field, forms.JSONField)
        if is_text and member.default not in (MISSING, None):
            # Somebody has emptied it.
            return member.leaf.read("")
        return [] if isinstance(field, forms.MultipleChoiceField) else MISSING


def input_form(schema: Schema, *, as_json: bool = False) -> type[InputForm]:
    """Return the form of an input.

    Args:
        schema: its JSON Schema; an empty one takes any JSON.
        as_json: one field for all of it.

    """
    definitions: dict[str, Schema] = dict(schema.get("$defs", {}))
    root = _json_root() if as_json else _part((), schema, definitions, required=True)
    if sum(1 for _member in _members(root)) > MAX_FIELDS:
        root = _json_root()
    return type("InputForm", (InputForm,), {"root": root})


def takes_json_only(form: type[InputForm]) -> bool:
    """Tell whether all that the form has is a field for JSON."""
    return isinstance(form.root, Member) and isinstance(form.root.leaf.field, forms.JSONField)


def _json_root() -> Member:
    words = {"label": _("Input"), "required": False}
    return Member(
        path=(), leaf=json_leaf(words, rows=16), required=True, nullable=True, default=MISSING
    )


def _part(
    path: Path, schema: Schema, definitions: dict[str, Schema], *, required: bool
) -> Member | Group:
    value = read(schema, definitions)
    if _is_group(path, value.schema) and not (value.nullable and not path):
        wanted = set(value.schema.get("required", ()))
        return Group(
            path=path,
            title=title(value.schema, path[-1]) if path else "",
            description=str(value.schema.get("description", "")),
            required=required and not value.nullable and "default" not in value.schema,
            parts=[
                _part((*path, key), each, definitions, required=required and key in wanted)
                for key, each in value.schema["properties"].items()
            ],
        )
    if not path and not value.schema:
        return _json_root()
    return Member(
        path=path,
        leaf=leaf(value, path[-1] if path else ROOT, required=required, definitions=definitions),
        required=required,
        nullable=value.nullable,
        default=MISSING if is_secret(value.schema) else value.schema.get("default", MISSING),
    )


def _make_room(widget: Any, shown: Any) -> None:
    """Let a field for a time show one that the browser's own field has no words for."""
    if getattr(widget, "input_type", "") == LOCAL_TIME and not _LOCAL_TIME.fullmatch(str(shown)):
        widget.input_type = "text"


def _is_group(path: Path, schema: Schema) -> bool:
    plain = schema.get("type") == "object" and bool(schema.get("properties"))
    # Members beyond those that are named could not be typed into fields.
    return plain and not schema.get("additionalProperties") and len(path) < MAX_DEPTH


def _members(part: Member | Group) -> Iterator[Member]:
    if isinstance(part, Member):
        yield part
    else:
        for each in part.parts:
            yield from _members(each)


def _at(value: Any, path: Path) -> Any:
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return MISSING
        value = value[key]
    return value
