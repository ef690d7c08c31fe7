"""Workflows: what can be started."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gorkflow.api.permissions import VIEW
from gorkflow.api.schema import WORKFLOW_ID, answers
from gorkflow.api.serializers.workflows import (
    WorkflowDetailSerializer,
    WorkflowSerializer,
    workflow_detail,
    workflow_summary,
)
from gorkflow.api.views.base import ApiView

TAGS = ["workflows"]


class WorkflowListView(ApiView):
    """The registered workflows."""

    required_permission = VIEW

    @extend_schema(
        operation_id="workflows_list",
        tags=TAGS,
        responses=answers(200, WorkflowSerializer(many=True)),
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002
        """List the current version of every workflow, sorted by id."""
        registry = self.engine.registry
        found = [workflow_summary(workflow, registry) for workflow in self.access.workflows()]
        return Response(WorkflowSerializer(found, many=True).data)


class WorkflowView(ApiView):
    """One workflow."""

    required_permission = VIEW

    @extend_schema(
        operation_id="workflows_retrieve",
        tags=TAGS,
        parameters=[
            WORKFLOW_ID,
            OpenApiParameter("version", description="The current version if left out."),
        ],
        responses=answers(200, WorkflowDetailSerializer, 404),
    )
    def get(self, request: Request, workflow_id: str) -> Response:
        """Show a workflow with its graph, its types and how its steps are run."""
        registry = self.engine.registry
        version = request.query_params.get("version") or None
        workflow = self.access.workflow(workflow_id, version)
        return Response(WorkflowDetailSerializer(workflow_detail(workflow, registry)).data)
