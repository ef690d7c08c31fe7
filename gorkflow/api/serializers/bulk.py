"""Acts on many runs: what is asked for, and what became of it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from gorkflow.api.filters import MAX_IDS, MOMENTS
from gorkflow.api.serializers.commands import ReasonSerializer, StrictSerializer
from gorkflow.api.serializers.fields import EnumField
from gorkflow.queries import RunFilter
from gorkflow.statuses import RunStatus

MAX_RUNS = 1000
"""Runs that one request acts on, at most."""


class FilterSerializer(StrictSerializer):
    """Which runs; what is left out does not matter. At least one thing has to be said."""

    least_keys = 1

    ids = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MAX_IDS, min_length=1
    )
    workflow = serializers.CharField(required=False, trim_whitespace=False)
    version = serializers.CharField(required=False, trim_whitespace=False)
    status = serializers.ListField(
        child=EnumField(RunStatus), required=False, min_length=1, help_text="Any of these."
    )
    resource_id = serializers.CharField(required=False, trim_whitespace=False)
    tags = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False),
        required=False,
        allow_empty=False,
        help_text="All of these.",
    )
    started_by = serializers.CharField(required=False, trim_whitespace=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    started_after = serializers.DateTimeField(required=False)
    started_before = serializers.DateTimeField(required=False)
    ended_after = serializers.DateTimeField(required=False)
    ended_before = serializers.DateTimeField(required=False)
    has_retries = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a filter that lets every run through."""
        if not attrs:
            raise serializers.ValidationError("Say which runs: an empty filter is every run.")
        return attrs


def run_filter(checked: dict[str, Any]) -> RunFilter:
    """Return the store's filter."""
    moments: dict[str, Any] = {name: checked.get(name) for name in MOMENTS}
    return RunFilter(
        run_ids=checked.get("ids", ()),
        workflow_id=checked.get("workflow"),
        workflow_version=checked.get("version"),
        statuses=checked.get("status", ()),
        resource_id=checked.get("resource_id"),
        tags=checked.get("tags", {}),
        started_by=checked.get("started_by"),
        has_retries=checked.get("has_retries"),
        **moments,
    )


class BulkSerializer(ReasonSerializer):
    """What to do to many runs."""

    filter = FilterSerializer()
    dry_run = serializers.BooleanField(
        required=False, default=False, help_text="Only say which runs it would be."
    )
    limit = serializers.IntegerField(
        required=False, default=100, min_value=1, max_value=MAX_RUNS, help_text="Runs at most."
    )
    cursor = serializers.CharField(
        required=False, allow_null=True, help_text="As in the answer before, to go on from there."
    )


class RefusalSerializer(serializers.Serializer[Any]):
    """A run that was left alone, and why."""

    id = serializers.UUIDField()
    code = serializers.CharField(help_text="As a problem's `code`.")
    detail = serializers.CharField()


class BulkResultSerializer(serializers.Serializer[Any]):
    """What became of many runs."""

    dry_run = serializers.BooleanField()
    matched = serializers.IntegerField(help_text="Runs that were looked at.")
    done = serializers.ListField(
        child=serializers.UUIDField(), help_text="Acted on or, in a dry run, to be acted on."
    )
    refused = RefusalSerializer(many=True)
    cursor = serializers.CharField(
        allow_null=True, help_text="Null if that was all; else send it to go on."
    )
