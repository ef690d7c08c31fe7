"""Figures on runs."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from gorkflow.api.serializers.fields import MomentField
from gorkflow.queries import SAMPLE
from gorkflow.statuses import RunStatus


class CountsSerializer(serializers.Serializer[Any]):
    """Runs in each status."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return a field for every status."""
        return {status.value: serializers.IntegerField() for status in RunStatus}


class DurationsSerializer(serializers.Serializer[Any]):
    """How long completed runs took, from their first step's start to their end; in seconds."""

    count = serializers.IntegerField(help_text=f"Runs the figures are of: the newest {SAMPLE:,}.")
    mean = serializers.FloatField()
    p50 = serializers.FloatField()
    p95 = serializers.FloatField()
    longest = serializers.FloatField()


class FiguresSerializer(serializers.Serializer[Any]):
    """Counts and durations."""

    counts = CountsSerializer()
    durations = DurationsSerializer(allow_null=True)


class StatsSerializer(FiguresSerializer):
    """Counts and durations of a window, in all and for each workflow by its id."""

    created_after = MomentField()
    created_before = MomentField()
    workflows = serializers.DictField(child=FiguresSerializer())
