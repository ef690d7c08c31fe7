"""Figures on the runs of a window of time."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gorkflow.api.filters import RunFilterSet
from gorkflow.api.permissions import VIEW
from gorkflow.api.schema import answers
from gorkflow.api.serializers.stats import StatsSerializer
from gorkflow.api.throttles import STATS
from gorkflow.api.views.base import ApiView
from gorkflow.models import WorkflowRun

WINDOW = timedelta(days=1)


class StatsView(ApiView):
    """How runs did."""

    required_permission = VIEW
    throttle_scope = STATS
    # For the documentation: it finds the query parameters through these.
    filter_backends = (DjangoFilterBackend,)
    filterset_class = RunFilterSet
    queryset = WorkflowRun.objects.none()

    @extend_schema(
        operation_id="stats_retrieve",
        tags=["stats"],
        filters=True,
        responses=answers(200, StatsSerializer, 422),
    )
    def get(self, request: Request) -> Response:
        """Count runs by status and workflow, and tell how long the completed ones took.

        Of those created within the last day, unless `created_after` and `created_before` say
        otherwise.
        """
        wanted = RunFilterSet.read(request)
        end = wanted.created_before or self.engine.store.now()
        start = wanted.created_after or end - WINDOW
        found = self.access.run_stats(replace(wanted, created_after=start, created_before=end))
        window = {"created_after": start, "created_before": end}
        return Response(StatsSerializer({**asdict(found), **window}).data)
