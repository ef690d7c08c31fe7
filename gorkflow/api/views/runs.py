"""Runs: what there is, and how it stands."""

from __future__ import annotations

from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gorkflow.api.filters import RunFilterSet
from gorkflow.api.pagination import RunPagination
from gorkflow.api.permissions import VIEW
from gorkflow.api.schema import RUN_ID, answers
from gorkflow.api.serializers.runs import (
    RunDetailSerializer,
    RunSerializer,
    StepDetailSerializer,
    run_detail,
)
from gorkflow.api.views.base import ApiView, parse_run_id
from gorkflow.models import WorkflowRun

TAGS = ["runs"]


class RunListView(ApiView):
    """The history of runs."""

    required_permission = VIEW
    pagination_class = RunPagination
    # For the documentation: it finds the query parameters through these.
    filter_backends = (DjangoFilterBackend,)
    filterset_class = RunFilterSet
    queryset = WorkflowRun.objects.none()

    @extend_schema(
        operation_id="runs_list",
        tags=TAGS,
        responses=answers(200, RunSerializer(many=True), 422),
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first, without their payloads."""
        pagination = RunPagination()
        page = self.engine.list_runs(pagination.narrow(request, RunFilterSet.read(request)))
        runs = RunSerializer(page.runs, many=True, context=self.serializer_context())
        return Response(pagination.body(request, page, runs.data))


class RunView(ApiView):
    """One run."""

    required_permission = VIEW

    @extend_schema(
        operation_id="runs_retrieve",
        tags=TAGS,
        parameters=[RUN_ID],
        responses=answers(200, RunDetailSerializer, 404),
    )
    def get(self, request: Request, run_id: str) -> Response:  # noqa: ARG002
        """Show a run with its steps and, with view_payload, its input and output."""
        found = parse_run_id(run_id)
        run, steps = self.engine.get_run(found), self.engine.get_steps(found)
        payloads = None
        if self.may_see_payloads():
            payloads = self.engine.store.load(found, run_input=True, run_output=True)
        shown = run_detail(run, steps, payloads)
        return Response(RunDetailSerializer(shown, context=self.serializer_context()).data)


class RunStepsView(ApiView):
    """The steps of one run."""

    required_permission = VIEW

    @extend_schema(
        operation_id="runs_steps_list",
        tags=TAGS,
        parameters=[RUN_ID],
        responses=answers(200, StepDetailSerializer(many=True), 404),
    )
    def get(self, request: Request, run_id: str) -> Response:  # noqa: ARG002
        """List every step of a run in topological order, with its attempts."""
        steps = self.engine.get_steps(parse_run_id(run_id), attempts=True)
        context = self.serializer_context()
        return Response(StepDetailSerializer(steps, many=True, context=context).data)
