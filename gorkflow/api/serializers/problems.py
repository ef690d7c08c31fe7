"""The shape of a problem, for the documentation."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from gorkflow.api.serializers.fields import EnumField, FieldErrorSerializer
from gorkflow.statuses import RunStatus


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457 problem details."""

    type = serializers.CharField(help_text="A URN, one for each code.")
    title = serializers.CharField()
    status = serializers.IntegerField(help_text="The HTTP status.")
    detail = serializers.CharField(help_text="For people.")
    instance = serializers.CharField(help_text="The path that was asked for.")
    code = serializers.CharField(
        help_text="Stable: VALIDATION_ERROR, NOT_FOUND, CONCURRENCY_LIMIT, IDEMPOTENCY_CONFLICT, "
        "INVALID_STATE, NOT_AUTHENTICATED, PERMISSION_DENIED, PARSE_ERROR, ..."
    )
    errors = FieldErrorSerializer(  # type: ignore[assignment]  # fields are no attributes
        many=True, required=False, help_text="With VALIDATION_ERROR."
    )
    run_id = serializers.UUIDField(required=False, help_text="The run that is in the way.")
    run_status = EnumField(RunStatus, required=False, help_text="With INVALID_STATE.")
