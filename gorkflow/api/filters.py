"""Query parameters of the run list, read with django-filter into the store's own filter."""

from __future__ import annotations

from typing import Any

from django import forms
from django_filters import rest_framework as filters
from django_filters.utils import translate_validation
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings

from gorkflow.models import WorkflowRun
from gorkflow.queries import RunFilter
from gorkflow.statuses import RunStatus

NOT_FILTERS = {"cursor", "page_size", api_settings.URL_FORMAT_OVERRIDE}
"""What a list's URL may hold besides."""


class TagsField(forms.Field):
    """Reads `name:value` pairs into a dict. A name ends at the first colon."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> dict[str, str]:
        """Return the pairs."""
        tags: dict[str, str] = {}
        for pair in value or []:
            name, colon, wanted = pair.partition(":")
            if not (name and colon):
                raise forms.ValidationError("Write a tag as name:value.")
            if tags.setdefault(name, wanted) != wanted:
                raise forms.ValidationError(f"The tag {name!r} cannot have two values.")
        return tags


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "example": "tenant:acme"},
        "description": "`name:value`. May be repeated; all of them must match.",
    }
)
class TagFilter(filters.Filter):  # type: ignore[misc]  # untyped
    """A parameter that may be repeated; every tag must match."""

    field_class = TagsField


class RunFilterSet(filters.FilterSet):  # type: ignore[misc]  # untyped
    """What a list of runs can be narrowed by."""

    workflow = filters.CharFilter(strip=False, help_text="Workflow id.")
    version = filters.CharFilter(strip=False, help_text="Workflow version.")
    status = filters.MultipleChoiceFilter(
        choices=[(each.value, each.value) for each in RunStatus],
        help_text="May be repeated; any of them matches.",
    )
    resource_id = filters.CharFilter(strip=False, help_text="The whole resource id.")
    tag = TagFilter()
    started_by = filters.CharFilter(strip=False, help_text="The whole name.")
    created_after = filters.IsoDateTimeFilter(help_text="Inclusive.")
    created_before = filters.IsoDateTimeFilter(help_text="Exclusive.")

    class Meta:
        model = WorkflowRun
        fields = ()

    @classmethod
    def read(cls, request: Request) -> RunFilter:
        """Return the filter that the query asks for. Raises ValidationError."""
        unknown = set(request.query_params) - set(cls.base_filters) - NOT_FILTERS
        if unknown:
            # A mistyped filter would answer with every run there is.
            raise ValidationError({name: ["Unknown parameter."] for name in sorted(unknown)})
        asked = cls(request.query_params, request=request)
        if not asked.is_valid():
            raise translate_validation(asked.errors)
        found = asked.form.cleaned_data
        return RunFilter(
            workflow_id=found["workflow"] or None,
            workflow_version=found["version"] or None,
            statuses=[RunStatus(each) for each in found["status"]],
            resource_id=found["resource_id"] or None,
            tags=found["tag"],
            started_by=found["started_by"] or None,
            created_after=found["created_after"],
            created_before=found["created_before"],
        )
