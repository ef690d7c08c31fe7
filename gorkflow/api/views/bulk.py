"""Acts on many runs at once, each by the engine: no run is left half-way."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from gorkflow.api.permissions import CANCEL, RETRY, VIEW, has_permission
from gorkflow.api.schema import answers
from gorkflow.api.serializers.bulk import BulkResultSerializer, BulkSerializer, run_filter
from gorkflow.api.starting import starter
from gorkflow.api.throttles import BULK
from gorkflow.api.views.commands import TAGS, CommandView
from gorkflow.errors import WorkflowError
from gorkflow.queries import RunFilter
from gorkflow.records import RunRecord
from gorkflow.statuses import ACTIVE_RUNS, RETRYABLE_RUNS, RunStatus

SECONDS = 20.0
"""After which an answer says where to go on: web servers kill requests that take long."""

CHUNK = 50


@dataclass(slots=True, kw_only=True)
class Result:
    """What became of the runs so far."""

    dry_run: bool
    done: list[UUID] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    cursor: str | None = None

    @property
    def matched(self) -> int:
        """Runs that were looked at."""
        return len(self.done) + len(self.refused)


class BulkView(CommandView):
    """An act on every run that a filter lets through."""

    body_class = BulkSerializer
    throttle_scope = BULK
    statuses: ClassVar[Sequence[RunStatus]]

    def example(self) -> dict[str, Any]:
        """Return a body that does nothing yet."""
        return {"filter": {"workflow": ""}, "dry_run": True}

    def act(self, run_id: UUID, **words: str) -> object:
        """Do it to one run."""
        raise NotImplementedError

    def check_permissions(self, request: Request) -> None:
        """Ask for the permission to see runs too: the answer names them."""
        super().check_permissions(request)
        if not has_permission(request, VIEW):
            self.permission_denied(request)

    def do(self, request: Request) -> Response:
        """Do it to as many runs as are asked for and there is time for."""
        body = self.body()
        result = Result(dry_run=body["dry_run"])
        wanted = run_filter(body["filter"]).within(RunFilter(statuses=self.statuses))
        if wanted is not None:
            words = {"actor": starter(request), "reason": body.get("reason", "")}
            wanted = replace(wanted, cursor=body.get("cursor"))
            for run in self._runs(wanted, body["limit"], result):
                self._act_on(run.id, result, words)
        return Response(BulkResultSerializer(result).data)

    def _runs(self, wanted: RunFilter, limit: int, result: Result) -> Iterator[RunRecord]:
        """Give page after page while there is time, and keep the cursor of the page after."""
        stop_at = time.monotonic() + SECONDS
        while limit > 0 and time.monotonic() < stop_at:
            page = self.access.list_runs(replace(wanted, limit=min(limit, CHUNK)))
            result.cursor = page.next_cursor
            yield from page.runs
            if page.next_cursor is None:
                return
            limit -= len(page.runs)
            wanted = replace(wanted, cursor=page.next_cursor)

    def _act_on(self, run_id: UUID, result: Result, words: dict[str, str]) -> None:
        try:
            if not result.dry_run:
                self.act(run_id, **words)
        except WorkflowError as error:
            told = self.access.censored(error)
            result.refused.append({"id": run_id, "code": told.code, "detail": told.message})
        else:
            result.done.append(run_id)


class BulkCancelView(BulkView):
    """Cancelling runs."""

    required_permission = CANCEL
    statuses = ACTIVE_RUNS

    @extend_schema(
        operation_id="runs_bulk_cancel",
        tags=TAGS,
        request=BulkSerializer,
        responses=answers(200, BulkResultSerializer, 400, 413, 422),
    )
    def post(self, request: Request) -> Response:
        """Cancel every active run that the filter lets through, newest first."""
        return self.do(request)

    def act(self, run_id: UUID, **words: str) -> object:
        """Cancel one run."""
        return self.engine.cancel(run_id, **words)


class BulkRetryView(BulkView):
    """Continuing runs."""

    required_permission = RETRY
    statuses = RETRYABLE_RUNS

    @extend_schema(
        operation_id="runs_bulk_retry",
        tags=TAGS,
        request=BulkSerializer,
        responses=answers(200, BulkResultSerializer, 400, 413, 422),
    )
    def post(self, request: Request) -> Response:
        """Continue every failed or cancelled run that the filter lets through, newest first."""
        return self.do(request)

    def act(self, run_id: UUID, **words: str) -> object:
        """Continue one run."""
        return self.engine.retry(run_id, **words)
