"""`?fields=id,status`: answers with what the client wants, and payloads only where it asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

FIELDS = "fields"
FIELDS_PARAMETER = OpenApiParameter(
    FIELDS,
    str,
    description="Names, separated by commas; only these are in the answer, whichever the schema "
    "calls required.",
)


def read_fields(request: Request, known: Collection[str]) -> frozenset[str] | None:
    """Return the fields that are asked for; None if the query leaves that open.

    Raises:
        ValidationError: one of them is unknown.

    """
    text = request.query_params.get(FIELDS)
    if text is None:
        return None
    asked = frozenset(name.strip() for name in text.split(","))
    unknown = sorted(asked - set(known))
    if unknown:
        known_names = ", ".join(sorted(known))
        raise ValidationError({FIELDS: [f"There is no {unknown[0]!r:.80}, only {known_names}."]})
    return asked


def chosen(shown: Mapping[str, Any], fields: frozenset[str] | None) -> dict[str, Any]:
    """Return those fields of what is shown."""
    return {name: each for name, each in shown.items() if fields is None or name in fields}
