"""Fields that several serializers share."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from typing_extensions import override


class EnumField(serializers.ChoiceField):
    """A member of a string enum."""

    def __init__(self, enum: type[StrEnum], **kwargs: Any) -> None:
        self.enum = enum
        super().__init__([(member.value, member.value) for member in enum], **kwargs)


class EnumFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Gives every enum one component under its own name.

    By default drf-spectacular names enums after their fields, and two fields called "status" would
    need an override in the host's settings.
    """

    target_class = EnumField

    def get_name(self) -> str | None:
        """Return the component's name."""
        return str(self.target.enum.__name__)

    @override
    def map_serializer_field(
        self,
        auto_schema: Any,
        direction: Any,
    ) -> dict[str, Any]:
        """Return the component."""
        return {"type": "string", "enum": [member.value for member in self.target.enum]}


class MomentField(serializers.DateTimeField):
    """A time in UTC, in whatever zone the host's pages are."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class ZonedField(MomentField):
    """A time that a client gives with its zone: whose would it be otherwise?"""

    default_error_messages = {  # noqa: RUF012  as DRF has it
        "naive": "Say the time zone too, as in 2030-01-31T09:00:00Z."
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        """Return it in UTC. Raises ValidationError if it has no zone."""
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)


@extend_schema_field(
    {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}
)
class PathField(serializers.ListField):
    """A path to a value: names and positions."""


class FieldErrorSerializer(serializers.Serializer[Any]):
    """What is wrong with one value, as pydantic says it."""

    loc = PathField(help_text="The path to the value.")
    msg = serializers.CharField()
    type = serializers.CharField(help_text="A stable name of the kind of error.")
