"""The runs and workflows of one request: what the policy hides is not there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any
from uuid import UUID

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from gorkflow.api.policy import EVERYTHING, RunPolicy
from gorkflow.config import StartOptions
from gorkflow.definition.naming import did_you_mean
from gorkflow.definition.workflow import Workflow
from gorkflow.engine import Engine
from gorkflow.errors import (
    ConcurrencyLimitError,
    IdempotencyConflictError,
    NotFoundError,
    WorkflowError,
)
from gorkflow.queries import RunFilter, RunPage, RunStats
from gorkflow.records import RunRecord


class Access:
    """What a request may see of an engine's runs and workflows."""

    def __init__(self, engine: Engine, request: Request, policy: RunPolicy) -> None:
        self._engine = engine
        self._request = request
        self._policy = policy

    @cached_property
    def scope(self) -> RunFilter:
        """What all runs of the request have in common."""
        return self._policy.runs(self._request)

    def run(self, run_id: str | UUID) -> RunRecord:
        """Return one run. Raises NotFoundError, the same for one that is hidden."""
        found = parse_run_id(run_id)
        if self.scope == EVERYTHING:
            return self._engine.get_run(found)
        page = self.list_runs(RunFilter(run_ids=[found], limit=1))
        if not page.runs:
            raise _no_run(found)
        return page.runs[0]

    def list_runs(self, wanted: RunFilter) -> RunPage:
        """Return one page of runs."""
        narrowed = wanted.within(self.scope)
        return RunPage(runs=()) if narrowed is None else self._engine.list_runs(narrowed)

    def run_stats(self, wanted: RunFilter) -> RunStats:
        """Return figures on runs."""
        narrowed = wanted.within(self.scope)
        return RunStats.of((), ()) if narrowed is None else self._engine.run_stats(narrowed)

    def workflows(self) -> Iterator[Workflow[Any, Any]]:
        """Give the current version of every workflow, sorted by id."""
        for workflow in self._engine.registry:
            if self._policy.may_use(self._request, workflow.id):
                yield workflow

    def workflow(self, workflow_id: str, version: str | None = None) -> Workflow[Any, Any]:
        """Return a workflow. Raises NotFoundError, the same for one that is hidden."""
        registry = self._engine.registry
        if registry.versions(workflow_id) and self._policy.may_use(self._request, workflow_id):
            return registry.get(workflow_id, version)
        hint = did_you_mean(workflow_id, [workflow.id for workflow in self.workflows()])
        msg = f"no workflow has the id {workflow_id!r:.220}{hint}"
        raise NotFoundError(msg, workflow_id=workflow_id)

    def within_scope(self, options: StartOptions) -> StartOptions:
        """Return the options of a run that the request will see.

        Raises:
            PermissionDenied: they name another's tags or resource id.

        """
        scope = self.scope
        for name, value in scope.tags.items():
            if options.tags.get(name, value) != value:
                raise PermissionDenied(f"The tag {name!r:.220} is given to you.")
        if scope.resource_id is not None and options.resource_id not in {None, scope.resource_id}:
            raise PermissionDenied("The resource id is given to you.")
        given = {
            "tags": {**options.tags, **scope.tags},
            "resource_id": options.resource_id or scope.resource_id,
        }
        return options.model_copy(update=given)

    def censored(self, error: WorkflowError) -> WorkflowError:
        """Return the error, without what it says of a run that is hidden."""
        kinds: tuple[type[WorkflowError], ...] = (ConcurrencyLimitError, IdempotencyConflictError)
        named = error.data.get("run_id")
        if named is None or not isinstance(error, kinds) or self._sees(named):
            return error
        return type(error)("another run is in the way")

    def refuse_hidden(self, run: RunRecord) -> None:
        """Raise IdempotencyConflictError if a key led to a run that is hidden."""
        if not self._sees(str(run.id)):
            raise IdempotencyConflictError("another run is in the way")

    def _sees(self, run_id: str) -> bool:
        if self.scope == EVERYTHING:
            return True
        return bool(self.list_runs(RunFilter(run_ids=[UUID(run_id)], limit=1)).runs)


def parse_run_id(text: str | UUID) -> UUID:
    """Return the id in a URL. Raises NotFoundError: no run has an id that is none."""
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError:
        raise _no_run(text) from None


def _no_run(run_id: object) -> NotFoundError:
    return NotFoundError(f"there is no run {run_id!s:.80}", run_id=str(run_id)[:80])
