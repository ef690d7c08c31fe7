"""Query parameters of the run list, read with django-filter into the store's own filter."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django_filters import rest_framework as filters
from django_filters.utils import translate_validation
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings

from gorkflow.models import WorkflowRun
from gorkflow.queries import AFTER, BEFORE, ORDERS, RunFilter
from gorkflow.statuses import RunStatus

MOMENTS = (*AFTER, *BEFORE)
MAX_IDS = 200


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


class IdsField(forms.Field):
    """Reads ids."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> list[UUID]:
        """Return the ids."""
        try:
            ids = [UUID(each) for each in value or []]
        except ValueError:
            raise forms.ValidationError("Write an id as a UUID.") from None
        if len(ids) > MAX_IDS:
            raise forms.ValidationError(f"At most {MAX_IDS} ids at once.")
        return ids


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


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "format": "uuid"},
        "maxItems": MAX_IDS,
        "description": "May be repeated; any of them matches.",
    }
)
class IdFilter(filters.Filter):  # type: ignore[misc]  # untyped
    """A parameter that may be repeated; any id matches."""

    field_class = IdsField


@extend_schema_field({"type": "boolean"})
class FlagFilter(filters.ChoiceFilter):  # type: ignore[misc]  # untyped
    """`true` or `false`; anything else is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[("true", "true"), ("false", "false")], **kwargs)


class RunFilterSet(filters.FilterSet):  # type: ignore[misc]  # untyped
    """What a list of runs can be narrowed by."""

    id = IdFilter()
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
    started_after = filters.IsoDateTimeFilter(help_text="Inclusive.")
    started_before = filters.IsoDateTimeFilter(help_text="Exclusive.")
    ended_after = filters.IsoDateTimeFilter(help_text="Inclusive.")
    ended_before = filters.IsoDateTimeFilter(help_text="Exclusive.")
    has_retries = FlagFilter(help_text="Whether a step was attempted more than once.")

    class Meta:
        model = WorkflowRun
        fields = ()

    @classmethod
    def read(cls, request: Request, *others: str) -> RunFilter:
        """Return the filter that the query asks for.

        Args:
            request: the request.
            others: what its query may hold besides.

        Raises:
            ValidationError: a parameter is unknown or wrong.

        """
        refuse_unknown(request, {*cls.base_filters, *others})
        asked = cls(request.query_params, request=request)
        if not asked.is_valid():
            raise translate_validation(asked.errors)
        found = asked.form.cleaned_data
        return RunFilter(
            run_ids=found["id"],
            workflow_id=found["workflow"] or None,
            workflow_version=found["version"] or None,
            statuses=[RunStatus(each) for each in found["status"]],
            resource_id=found["resource_id"] or None,
            tags=found["tag"],
            started_by=found["started_by"] or None,
            has_retries={"true": True, "false": False}.get(found["has_retries"]),
            **{name: found[name] for name in MOMENTS},
        )


class ListedRunFilterSet(RunFilterSet):
    """The same, with an order."""

    ordering = filters.ChoiceFilter(
        choices=[(order, order) for order in ORDERS],
        help_text="Newest first if left out. By `ended_at` only runs that have ended are listed.",
    )

    @classmethod
    def read(cls, request: Request, *others: str) -> RunFilter:
        """Return the filter that the query asks for. Raises ValidationError."""
        wanted = super().read(request, *others)
        return replace(wanted, order=request.query_params.get("ordering") or wanted.order)


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Raise ValidationError for parameters that are not known.

    A mistyped filter would answer with every run there is.
    """
    unknown = set(request.query_params) - set(known) - {api_settings.URL_FORMAT_OVERRIDE}
    if unknown:
        raise ValidationError({name: ["Unknown parameter."] for name in sorted(unknown)})
