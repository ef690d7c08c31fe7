"""Parts of one run: its steps, output, state, graph and history."""

from __future__ import annotations

from typing import Any

import pydantic_core
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from gorkflow.api.components import RunResultSerializer
from gorkflow.api.conditional import is_rendered_as
from gorkflow.api.drawing import SvgRenderer, draw
from gorkflow.api.history import page_of
from gorkflow.api.pagination import CURSOR, SIZE, next_url, page_size
from gorkflow.api.permissions import VIEW
from gorkflow.api.schema import RUN_ID, answers
from gorkflow.api.serializers.runs import (
    EventPageSerializer,
    EventSerializer,
    RunGraphSerializer,
    StepDetailSerializer,
    StepResultSerializer,
)
from gorkflow.api.views.base import ApiView
from gorkflow.definition.showing import shown_payload, shown_step_output
from gorkflow.errors import InvalidStateError, NotFoundError
from gorkflow.statuses import RunStatus

TAGS = ["runs"]
STEP_ID = OpenApiParameter(
    "step_id",
    str,
    OpenApiParameter.PATH,
    description="Percent-encoded; slashes may be left as they are.",
)


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
        steps = self.engine.get_steps(self.access.run(run_id), attempts=True)
        context = self.serializer_context()
        return Response(StepDetailSerializer(steps, many=True, context=context).data)


class RunStepView(ApiView):
    """One step of one run."""

    required_permission = VIEW

    @extend_schema(
        operation_id="runs_steps_retrieve",
        tags=TAGS,
        parameters=[RUN_ID, STEP_ID],
        responses=answers(200, StepResultSerializer, 404),
    )
    def get(self, request: Request, run_id: str, step_id: str) -> Response:  # noqa: ARG002
        """Show a step with its attempts and, with view_payload, its output."""
        run = self.access.run(run_id)
        steps = self.engine.get_steps(run, attempts=True)
        step = next((each for each in steps if each.step_id == step_id), None)
        if step is None:
            raise NotFoundError(f"run {run.id} has no step {step_id!r:.220}", run_id=str(run.id))
        shown: dict[str, Any] = StepDetailSerializer(step, context=self.serializer_context()).data
        if self.may_see_payloads():
            outputs = self.engine.store.load(run.id, outputs=[step_id]).outputs
            text = outputs[step_id].output if step_id in outputs else None
            shown["output"] = shown_step_output(self.engine.registry, run, step_id, text)
        return Response(shown)


class RunOutputView(ApiView):
    """What a run came to."""

    required_permission = VIEW

    @extend_schema(
        operation_id="runs_output_retrieve",
        tags=TAGS,
        parameters=[RUN_ID],
        responses=answers(200, RunResultSerializer, 404, 409),
    )
    def get(self, request: Request, run_id: str) -> Response:  # noqa: ARG002
        """Return a completed run's output as it is. Needs view_payload."""
        run = self.access.run(run_id)
        self.require_payloads()
        if run.status is not RunStatus.COMPLETED:
            raise InvalidStateError(
                f"run {run.id} is {run.status}: it has no output",
                run_id=str(run.id),
                status=run.status,
            )
        text = self.engine.store.load(run.id, run_output=True).output
        return Response(shown_payload(self.engine.registry, run, "output", text))


class RunStateView(ApiView):
    """What the steps of a run have left for each other."""

    required_permission = VIEW

    @extend_schema(
        operation_id="runs_state_retrieve",
        tags=TAGS,
        parameters=[RUN_ID],
        responses=answers(200, OpenApiTypes.OBJECT, 404),
    )
    def get(self, request: Request, run_id: str) -> Response:  # noqa: ARG002
        """Return the run's state (`ctx.state`) by name. Needs view_payload."""
        run = self.access.run(run_id)
        self.require_payloads()
        state = self.engine.store.load(run.id, state=True).state
        return Response({name: pydantic_core.from_json(text) for name, text in state.items()})


class RunGraphView(ApiView):
    """The shape of one run."""

    required_permission = VIEW

    def get_renderers(self) -> list[BaseRenderer]:
        """Return the host's renderers, and one for an image."""
        return [*super().get_renderers(), SvgRenderer()]

    @extend_schema(
        operation_id="runs_graph_retrieve",
        tags=TAGS,
        parameters=[RUN_ID],
        responses={
            **answers(200, RunGraphSerializer, 404),
            (200, SvgRenderer.media_type): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Return the steps and what each waits for, with how they stand; also as an image."""
        run = self.access.run(run_id)
        steps = self.engine.get_steps(run)
        if is_rendered_as(request, SvgRenderer.format):
            image = draw(self.engine.planners.of_run(run).graph, steps)
            if image is None:
                raise NotFoundError(f"the graph of run {run.id} is too large to be drawn")
            return Response(image)
        edges = [
            {"source": each, "target": step.step_id} for step in steps for each in step.parents
        ]
        shown = {"status": run.status, "nodes": steps, "edges": edges}
        return Response(RunGraphSerializer(shown).data)


class RunEventsView(ApiView):
    """What happened to one run."""

    required_permission = VIEW

    @extend_schema(
        operation_id="runs_events_list",
        tags=TAGS,
        parameters=[
            RUN_ID,
            OpenApiParameter(CURSOR, str, description="As in `next` of the answer before."),
            OpenApiParameter(SIZE, int, description="Events in one answer."),
        ],
        responses=answers(200, EventPageSerializer, 404, 422),
    )
    def get(self, request: Request, run_id: str) -> Response:
        """List what happened to a run and its steps, oldest first; `next` gives what is new."""
        run = self.access.run(run_id)
        page = page_of(
            self.engine.get_history(run),
            request.query_params.get(CURSOR) or None,
            page_size(request.query_params),
        )
        context = self.serializer_context()
        return Response(
            {
                "next": next_url(request, page.cursor),
                "has_more": page.has_more,
                "results": EventSerializer(page.events, many=True, context=context).data,
            }
        )
