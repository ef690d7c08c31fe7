"""Bodies of the requests that do something."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers
from typing_extensions import override

from gorkflow.api.components import InputField
from gorkflow.api.serializers.fields import ZonedField
from gorkflow.config import MAX_REASON, StartOptions

LIMITS: dict[str, Any] = StartOptions.model_json_schema()["properties"]
"""The limits are StartOptions' own."""


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses keys that it does not know: a misspelt one would be left out in silence."""

    least_keys: ClassVar[int] = 0
    """Keys that a body has to have, whichever they are."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked body. Raises ValidationError."""
        checked = super().to_internal_value(data)
        unknown = {name: ["Unknown key."] for name in data if name not in self.fields}
        if unknown:
            raise serializers.ValidationError(unknown, code="extra_forbidden")
        return checked


class StrictSerializerSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says in the OpenAPI document that other keys are refused."""

    target_class = StrictSerializer
    match_subclasses = True

    @override
    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the description."""
        described = auto_schema._map_serializer(  # noqa: SLF001  as its documentation has it
            self.target, direction, bypass_extensions=True
        )
        most: dict[str, Any] = {**described, "additionalProperties": False}
        least = self.target.least_keys
        return {**most, "minProperties": least} if least else most


class StartSerializer(StrictSerializer):
    """What a run is started with."""

    input = InputField(
        required=False, allow_null=True, help_text="As the workflow's input_schema says."
    )
    resource_id = serializers.CharField(
        required=False,
        allow_null=True,
        trim_whitespace=False,
        max_length=LIMITS["resource_id"]["anyOf"][0]["maxLength"],
        help_text='What the run is about ("order-42").',
    )
    concurrency_check = serializers.BooleanField(
        required=False,
        help_text="Refuse while another checked run of the workflow has the resource id.",
    )
    tags = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False),
        required=False,
        help_text="Labels to find the run by.",
    )
    priority = serializers.IntegerField(
        required=False,
        min_value=LIMITS["priority"]["minimum"],
        max_value=LIMITS["priority"]["maximum"],
        help_text="Higher goes first where the broker can tell.",
    )
    run_at = ZonedField(
        required=False,
        allow_null=True,
        help_text="Not before this time, within ten years; one that is past means at once.",
    )
    context = serializers.JSONField(  # type: ignore[assignment]  # fields are no attributes
        required=False, allow_null=True, help_text="Instead of the workflow's own context."
    )


class ReasonSerializer(StrictSerializer):
    """Why something is done to a run."""

    reason = serializers.CharField(
        required=False, allow_blank=True, max_length=MAX_REASON, help_text="For the run's history."
    )
