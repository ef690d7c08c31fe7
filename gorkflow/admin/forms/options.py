"""How a run is started beside its input, and the token that makes a double click start one run."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from gorkflow.config import StartOptions

LIMITS: dict[str, Any] = StartOptions.model_json_schema()["properties"]
MAX_KEY = 255

SEPARATOR = "="


class TagsField(forms.CharField):
    """One `name=value` on each line."""

    widget = forms.Textarea(attrs={"rows": 2, "cols": 40})

    def to_python(self, value: Any) -> Any:
        """Return the tags as a dict. Raises ValidationError."""
        tags: dict[str, str] = {}
        for line in str(super().to_python(value)).splitlines():
            name, separator, text = line.partition(SEPARATOR)
            if line.strip() and not (name.strip() and separator):
                raise forms.ValidationError(_("Write each tag as name=value on its own line."))
            if line.strip():
                tags[name.strip()] = text.strip()
        return tags

    def prepare_value(self, value: Any) -> Any:
        """Return the lines."""
        if isinstance(value, dict):
            return "\n".join(f"{name}{SEPARATOR}{text}" for name, text in value.items())
        return value


class StartForm(forms.Form):
    """The options of a start."""

    token = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    resource_id = forms.CharField(
        label=gettext_lazy("Resource id"),
        required=False,
        max_length=MAX_KEY,
        help_text=gettext_lazy("Your own name for what the run is about, as “order-42”."),
    )
    concurrency_check = forms.BooleanField(
        label=gettext_lazy("Only if no other run has this resource id"), required=False
    )
    tags = TagsField(
        label=gettext_lazy("Tags"),
        required=False,
        help_text=gettext_lazy("One name=value on each line."),
    )
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        initial=LIMITS["priority"]["default"],
        min_value=LIMITS["priority"]["minimum"],
        max_value=LIMITS["priority"]["maximum"],
        help_text=gettext_lazy("0 to 9; higher goes first."),
    )

    run_at = forms.DateTimeField(
        label=gettext_lazy("Not before"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # As this request has it, which may not be the settings' own.
        zone = {"zone": timezone.get_current_timezone_name()}
        self.fields["run_at"].help_text = _("Empty: at once. In time zone %(zone)s.") % zone

    def clean(self) -> dict[str, Any]:
        """Ask for the resource id that is to be checked."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("concurrency_check") and not cleaned.get("resource_id"):
            self.add_error("resource_id", _("It is what would be checked."))
        return cleaned

    def options(self) -> dict[str, Any]:
        """Return the fields of StartOptions. Ask a valid form only."""
        found = self.cleaned_data
        return {
            "resource_id": found["resource_id"] or None,
            "concurrency_check": found["concurrency_check"],
            "tags": found["tags"] or {},
            "priority": found["priority"],
            "run_at": found["run_at"],
            "idempotency_key": idempotency_key(found["token"]),
        }


def idempotency_key(token: uuid.UUID) -> str:
    """Return the key under which one sending of a form starts one run."""
    return f"admin-{token}"
