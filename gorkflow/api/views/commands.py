"""Commands: start, cancel, retry, rerun. Each is one call of the engine."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from gorkflow.api.choosing import FIELDS_PARAMETER
from gorkflow.api.examples import example_of
from gorkflow.api.permissions import CANCEL, RETRY, START, VIEW
from gorkflow.api.schema import RUN_ID, WORKFLOW_ID, answers
from gorkflow.api.serializers.commands import (
    ReasonSerializer,
    StartSerializer,
    StrictSerializer,
)
from gorkflow.api.serializers.runs import ListedRunSerializer, RunSerializer
from gorkflow.api.starting import IDEMPOTENCY_KEY, read_start, starter
from gorkflow.api.throttles import ACT, READ
from gorkflow.api.throttles import START as START_SCOPE
from gorkflow.api.views.base import ApiView
from gorkflow.api.views.runs import RunLister
from gorkflow.queries import RunFilter
from gorkflow.records import RunRecord

TAGS = ["runs"]

LOCATION = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[202], description="The run's URL."
)
REPLAYED = OpenApiParameter(
    "Idempotency-Replayed",
    str,
    OpenApiParameter.HEADER,
    response=[202],
    description='"true" if the key led to a run that was there before.',
)


class CommandView(ApiView):
    """A view that does something to runs."""

    body_class: type[StrictSerializer] = ReasonSerializer
    throttle_scope = ACT

    def example(self) -> dict[str, Any]:
        """Return what a body looks like, for the page that a person sees."""
        return {"reason": ""}

    def get_serializer(self) -> StrictSerializer:
        """Return the example, for DRF's pages."""
        return self.body_class(self.example())

    def body(self) -> dict[str, Any]:
        """Return the checked body. Raises ValidationError."""
        serializer = self.body_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked

    def answer(self, run: RunRecord, http_status: int) -> Response:
        """Return the run as lists show it."""
        shown = RunSerializer(run, context=self.serializer_context())
        return Response(shown.data, status=http_status)

    def accepted(self, run: RunRecord) -> Response:
        """Return a new run, and say where it is."""
        response = self.answer(run, status.HTTP_202_ACCEPTED)
        response["Location"] = self.url_of("run", run.id)
        return response


class WorkflowRunsView(RunLister, CommandView):
    """The runs of a workflow, and starting them."""

    required_permission = START
    throttle_scope = START_SCOPE
    body_class = StartSerializer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count reading as such."""
        if request.method in SAFE_METHODS:
            self.throttle_scope = READ
        super().initial(request, *args, **kwargs)

    def permission_for(self, method: str) -> str:
        """Return the permission to see runs or to start them."""
        return VIEW if method in SAFE_METHODS else START

    def example(self) -> dict[str, Any]:
        """Return an input of the workflow's type."""
        workflow = self.access.workflow(self.kwargs["workflow_id"])
        return {"input": example_of(workflow.input_schema())}

    @extend_schema(
        operation_id="workflows_runs_list",
        tags=TAGS,
        parameters=[WORKFLOW_ID, FIELDS_PARAMETER],
        responses=answers(200, ListedRunSerializer(many=True), 404, 422),
    )
    def get(self, request: Request, workflow_id: str) -> Response:
        """List the runs of a workflow, newest first, as `/runs/` does."""
        workflow = self.access.workflow(workflow_id)
        return self.page_of_runs(request, RunFilter(workflow_id=workflow.id))

    @extend_schema(
        operation_id="runs_start",
        tags=TAGS,
        parameters=[
            WORKFLOW_ID,
            OpenApiParameter(
                IDEMPOTENCY_KEY,
                str,
                OpenApiParameter.HEADER,
                description="Starting again with the same key and input answers with the first "
                "run. A key belongs to the workflow and is kept as long as its run.",
            ),
            LOCATION,
            REPLAYED,
        ],
        request=StartSerializer,
        examples=[
            OpenApiExample(
                "A run about an order",
                value={
                    "input": {"number": 1001, "customer": "Ada"},
                    "resource_id": "order-1001",
                    "concurrency_check": True,
                    "tags": {"tenant": "acme"},
                },
                request_only=True,
            )
        ],
        responses=answers(202, RunSerializer, 400, 404, 409, 413, 422),
    )
    def post(self, request: Request, workflow_id: str) -> Response:
        """Start a run of the workflow's current version and return at once."""
        workflow = self.access.workflow(workflow_id)
        value, options = read_start(workflow, self.body(), request)
        run = self.engine.start(workflow, value, self.access.within_scope(options))
        if run.created:
            return self.accepted(run.record)
        self.access.refuse_hidden(run.record)
        response = self.accepted(run.record)
        response["Idempotency-Replayed"] = "true"
        return response


class CancelView(CommandView):
    """Cancelling a run."""

    required_permission = CANCEL

    @extend_schema(
        operation_id="runs_cancel",
        tags=TAGS,
        parameters=[RUN_ID],
        request=ReasonSerializer,
        responses=answers(200, RunSerializer, 400, 404, 409, 413, 422),
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Cancel a run and every unfinished step of it, at once."""
        run = self.engine.cancel(self.access.run(run_id).id, actor=starter(request), **self.body())
        return self.answer(run, status.HTTP_200_OK)


class RetryView(CommandView):
    """Continuing a run."""

    required_permission = RETRY

    @extend_schema(
        operation_id="runs_retry",
        tags=TAGS,
        parameters=[RUN_ID],
        request=ReasonSerializer,
        responses=answers(202, RunSerializer, 400, 404, 409, 413, 422),
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Continue a failed or cancelled run from the steps that are not done."""
        run = self.engine.retry(self.access.run(run_id).id, actor=starter(request), **self.body())
        return self.answer(run, status.HTTP_202_ACCEPTED)


class RerunView(CommandView):
    """Starting a run again."""

    required_permission = RETRY

    @extend_schema(
        operation_id="runs_rerun",
        tags=TAGS,
        parameters=[RUN_ID, LOCATION],
        request=ReasonSerializer,
        responses=answers(202, RunSerializer, 400, 404, 409, 413, 422),
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Start a new run with the input, context, resource id, tags and priority of this one."""
        first = self.access.run(run_id)
        self.access.workflow(first.workflow_id)
        run = self.engine.rerun(first.id, actor=starter(request), **self.body())
        return self.accepted(run.record)
