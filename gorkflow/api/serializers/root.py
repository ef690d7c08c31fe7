"""The API's entrance."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class RootSerializer(serializers.Serializer[Any]):
    """Where to begin."""

    workflows = serializers.URLField()
    runs = serializers.URLField()
    stats = serializers.URLField()
