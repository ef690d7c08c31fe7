"""One value of an input as one form field: which field, and how JSON gets in and out of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import escape, format_html
from django.utils.translation import gettext as _

from gorkflow.admin.forms.schemas import Schema, Value, is_secret, read, title

LONG_TEXT = 1000
"""Characters from which on a text gets several lines."""

_SCALARS = {"string", "integer", "number"}
LOCAL_TIME = "datetime-local"
_INPUT_TYPES = {
    "date": "date",
    "date-time": LOCAL_TIME,
    "time": "time",
    "email": "email",
    "uri": "url",
}
_STEPS = {"date-time": "1", "time": "1"}

Convert = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A field, and the way between what it holds and JSON."""

    field: forms.Field
    read: Convert = _same
    """From the field's clean value to JSON data."""
    show: Convert = _same
    """From JSON data to what the field shows at first."""
    secret: bool = False
    """It never shows what it holds."""


def leaf(value: Value, key: str, *, required: bool, definitions: dict[str, Schema]) -> Leaf:
    """Return the field for a value, or a field for JSON where no other can say it."""
    schema = value.schema
    words = {
        "label": title(schema, key),
        "help_text": _help(schema),
        "required": required and "default" not in schema and not value.nullable,
    }
    kind = schema.get("type")
    if "enum" in schema or "const" in schema:
        return _choice(schema, words)
    if kind == "boolean":
        return _boolean(words, may_be_unset=value.nullable)
    if kind in {"integer", "number"}:
        return _number(schema, words, whole=kind == "integer")
    if kind == "string":
        return _text(schema, words)
    if kind == "array":
        return _array(schema, words, definitions)
    return json_leaf(words)


def json_leaf(words: dict[str, Any], rows: int = 5) -> Leaf:
    """Return a field for a value as JSON."""
    area = forms.Textarea(attrs={"rows": rows, "cols": 60, "class": "gorkflow-json"})
    area.attrs["spellcheck"] = "false"
    said = format_html("{} {}", words.get("help_text", ""), _("As JSON."))
    return Leaf(field=_PrettyField(**{**words, "help_text": said, "widget": area}))


class _PrettyField(forms.JSONField):
    """JSON, indented."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, InvalidJSONInput):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


def _help(schema: Schema) -> str:
    said = [str(schema.get("description", "")).strip()]
    if schema.get("format") == "date-time":
        said.append(
            _("In the time zone %(zone)s.") % {"zone": timezone.get_current_timezone_name()}
        )
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        shown = examples[0] if isinstance(examples[0], str) else json.dumps(examples[0])
        said.append(_("For example %(example)s.") % {"example": shown})
    # Django takes a help text for markup.
    return escape(" ".join(filter(None, said)))


def _choice(schema: Schema, words: dict[str, Any]) -> Leaf:
    values = schema["enum"] if "enum" in schema else [schema["const"]]
    choices = [(json.dumps(each), str(each)) for each in values]
    if not words["required"] and "default" not in schema:
        choices.insert(0, ("", "\N{EM DASH}"))
    return Leaf(
        field=forms.ChoiceField(choices=choices, **words),
        read=lambda text: json.loads(text) if text else None,
        show=lambda value: "" if value is None else json.dumps(value),
    )


def _boolean(words: dict[str, Any], *, may_be_unset: bool) -> Leaf:
    words = {**words, "required": False}
    if not may_be_unset:
        return Leaf(field=forms.BooleanField(**words))
    return Leaf(field=forms.NullBooleanField(**words))


def _number(schema: Schema, words: dict[str, Any], *, whole: bool) -> Leaf:
    bounds: dict[str, Any] = {
        "min_value": schema.get("minimum"),
        "max_value": schema.get("maximum"),
    }
    if whole:
        return Leaf(field=forms.IntegerField(**bounds, **words))
    number = forms.FloatField(**bounds, **words)
    number.widget.attrs["step"] = "any"
    return Leaf(field=number)


def _text(schema: Schema, words: dict[str, Any]) -> Leaf:
    form = schema.get("format")
    lengths: dict[str, Any] = {
        "min_length": schema.get("minLength"),
        "max_length": schema.get("maxLength"),
    }
    widget: forms.Widget
    if is_secret(schema):
        widget = forms.PasswordInput(attrs={"autocomplete": "off"})
    elif form in _INPUT_TYPES:
        # Text, not Django's own dates: what they cannot say (an offset, a fraction) is pydantic's.
        attributes = {"type": _INPUT_TYPES[form]}
        if form in _STEPS:
            attributes["step"] = _STEPS[form]
        widget = forms.TextInput(attrs=attributes)
    elif (schema.get("maxLength") or 0) > LONG_TEXT or form in {"textarea", "multi-line"}:
        widget = forms.Textarea(attrs={"rows": 4, "cols": 60})
    else:
        widget = forms.TextInput(attrs={"size": 40})
    if "pattern" in schema:
        widget.attrs["pattern"] = schema["pattern"]
    text = forms.CharField(strip=False, widget=widget, **lengths, **words)
    return Leaf(
        field=text,
        read=_with_offset if form == "date-time" else _same,
        secret=is_secret(schema),
    )


def _with_offset(text: str) -> str:
    """Return a time in the server's current zone, unless it names another."""
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or timezone.is_aware(found):
        return text
    return timezone.make_aware(found).isoformat()


def _array(schema: Schema, words: dict[str, Any], definitions: dict[str, Schema]) -> Leaf:
    item = read(schema.get("items") or {}, definitions)
    if item.nullable or "prefixItems" in schema:
        return json_leaf(words)
    if "enum" in item.schema:
        choices = [(json.dumps(each), str(each)) for each in item.schema["enum"]]
        boxes = forms.MultipleChoiceField(
            choices=choices, widget=forms.CheckboxSelectMultiple, **words
        )
        return Leaf(
            field=boxes,
            read=lambda texts: [json.loads(each) for each in texts],
            show=lambda values: [json.dumps(each) for each in values or []],
        )
    if item.schema.get("type") in _SCALARS:
        return _lines(item.schema["type"], words)
    return json_leaf(words)


def _lines(kind: str, words: dict[str, Any]) -> Leaf:
    said = format_html("{} {}", words["help_text"], _("One on each line."))
    area = forms.Textarea(attrs={"rows": 4, "cols": 60})
    return Leaf(
        field=forms.CharField(widget=area, **{**words, "help_text": said}),
        read=lambda text: [_item(line, kind) for line in text.splitlines() if line.strip()],
        show=lambda values: "\n".join(map(str, values or [])),
    )


def _item(line: str, kind: str) -> Any:
    if kind == "string":
        return line.strip()
    try:
        return int(line) if kind == "integer" else float(line)
    except ValueError:
        # For pydantic to say what is wrong with it.
        return line.strip()
