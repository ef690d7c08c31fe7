"""Runs: what there is, and how it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gorkflow.api.choosing import FIELDS, FIELDS_PARAMETER, chosen, read_fields
from gorkflow.api.conditional import etag_of, rendered
from gorkflow.api.filters import ListedRunFilterSet, refuse_unknown
from gorkflow.api.pagination import CURSOR, SIZE, RunPagination
from gorkflow.api.permissions import VIEW
from gorkflow.api.schema import RUN_ID, answers
from gorkflow.api.serializers.runs import (
    ErrorDetailSerializer,
    ListedRunSerializer,
    RunDetailSerializer,
    RunSerializer,
    StepSerializer,
)
from gorkflow.api.views.base import ApiView
from gorkflow.api.waiting import WAIT, read_wait, wait_for_change
from gorkflow.definition.showing import shown_payload
from gorkflow.models import WorkflowRun
from gorkflow.queries import PAYLOADS, RunFilter, RunPage
from gorkflow.records import RunRecord

TAGS = ["runs"]

LIST_FIELDS = (*RunSerializer().fields, *PAYLOADS)
DETAIL_FIELDS = tuple(RunDetailSerializer().fields)

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the answer that you have; 304 if there is no other.",
)


class RunLister(ApiView):
    """A view that lists runs."""

    pagination_class = RunPagination
    # For the documentation: it finds the query parameters through these.
    filter_backends = (DjangoFilterBackend,)
    filterset_class = ListedRunFilterSet
    queryset = WorkflowRun.objects.none()

    def page_of_runs(self, request: Request, among: RunFilter | None = None) -> Response:
        """Return the page that the query asks for, of the runs that `among` lets through."""
        fields = read_fields(request, LIST_FIELDS)
        payloads = [name for name in PAYLOADS if name in (fields or ())]
        if payloads:
            self.require_payloads()
        pagination = RunPagination()
        wanted = ListedRunFilterSet.read(request, CURSOR, SIZE, FIELDS)
        wanted = pagination.narrow(request, replace(wanted, payloads=payloads))
        narrowed = wanted if among is None else wanted.within(among)
        page = RunPage(runs=()) if narrowed is None else self.access.list_runs(narrowed)
        results = RunSerializer(page.runs, many=True, context=self.serializer_context()).data
        for run, shown in zip(page.runs, results, strict=True):
            for name, text in page.payloads.get(run.id, {}).items():
                shown[name] = shown_payload(self.engine.registry, run, name, text)
        return Response(pagination.body(request, page, [chosen(each, fields) for each in results]))


class RunListView(RunLister):
    """The history of runs."""

    required_permission = VIEW

    @extend_schema(
        operation_id="runs_list",
        tags=TAGS,
        parameters=[FIELDS_PARAMETER],
        responses=answers(200, ListedRunSerializer(many=True), 422),
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first, without their payloads unless `fields` names them."""
        return self.page_of_runs(request)


class RunView(ApiView):
    """One run."""

    required_permission = VIEW

    @extend_schema(
        operation_id="runs_retrieve",
        tags=TAGS,
        parameters=[
            RUN_ID,
            FIELDS_PARAMETER,
            IF_NONE_MATCH,
            OpenApiParameter(
                WAIT,
                float,
                description="Seconds to wait, at most, until the run's status or progress is "
                "another than in the answer that If-None-Match names or, without it, than now.",
            ),
        ],
        responses=answers(200, RunDetailSerializer, 304, 404, 422),
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Show a run with its steps and, with view_payload, its input and output."""
        refuse_unknown(request, (FIELDS, WAIT))
        fields, seconds = read_fields(request, DETAIL_FIELDS), read_wait(request)
        run = self.access.run(run_id)
        shown = self._shown(run, fields)
        if seconds and not run.status.is_terminal and self._is_known(request, shown):
            changed = wait_for_change(self.engine, run, seconds)
            shown = self._shown(changed, fields)
        return Response(shown)

    def _is_known(self, request: Request, shown: dict[str, Any]) -> bool:
        known = request.headers.get("If-None-Match")
        return known is None or etag_of(rendered(request, shown)) in known

    def _shown(self, run: RunRecord, fields: frozenset[str] | None) -> dict[str, Any]:
        context = self.serializer_context()
        shown = chosen(RunSerializer(run, context=context).data, fields)
        if "error" in shown and run.error is not None:
            shown["error"] = ErrorDetailSerializer(run.error, context=context).data
        if fields is None or "steps" in fields:
            steps = self.engine.get_steps(run)
            shown["steps"] = StepSerializer(steps, many=True, context=context).data
        return {**shown, **self._payloads(run, fields)}

    def _payloads(self, run: RunRecord, fields: frozenset[str] | None) -> dict[str, Any]:
        names = [name for name in PAYLOADS if fields is None or name in fields]
        if fields is not None and names:
            self.require_payloads()
        if not names or not self.may_see_payloads():
            return {}
        loaded = self.engine.store.load(
            run.id, run_input="input" in names, run_output="output" in names
        )
        return {
            name: shown_payload(self.engine.registry, run, name, getattr(loaded, name))
            for name in names
        }
