"""The questions that an engine answers: about one run, about its steps, about many runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from gorkflow.definition.registry import Registry
from gorkflow.engine.asynchronous import twin
from gorkflow.engine.history import full_steps, run_history
from gorkflow.engine.planners import Planners
from gorkflow.errors import InvalidStateError, NotFoundError, RunFailedError
from gorkflow.queries import RunFilter, RunPage, RunStats
from gorkflow.records import EventRecord, HistoryEvent, Json, RunRecord, StepRecord
from gorkflow.statuses import RunStatus
from gorkflow.stores.base import WorkflowStore


class RunReader:
    """The reading half of the engine. It changes nothing."""

    def __init__(self, store: WorkflowStore, registry: Registry, planners: Planners) -> None:
        self.store = store
        self.registry = registry
        self.planners = planners

    def get_run(self, run_id: UUID | str) -> RunRecord:
        """Return one run. Raises NotFoundError."""
        return self.store.get_run(as_run_id(run_id))

    def list_runs(self, wanted: RunFilter | None = None) -> RunPage:
        """Return one page of runs, newest first."""
        return self.store.list_runs(wanted or RunFilter())

    def run_stats(self, wanted: RunFilter | None = None) -> RunStats:
        """Return how many runs there are in each status, and how long the completed ones took."""
        return self.store.run_stats(wanted or RunFilter())

    def get_steps(self, run: RunRecord | UUID | str, *, attempts: bool = False) -> list[StepRecord]:
        """Return every step of a run in topological order, those not reached yet included.

        Args:
            run: its id or, to spare a query, its record.
            attempts: whether the attempts are wanted too.

        Raises:
            NotFoundError: no such run.

        """
        record = run if isinstance(run, RunRecord) else self.get_run(run)
        planner = self.planners.of_run(record)
        return full_steps(record, planner, self.store.get_steps(record.id, attempts=attempts))

    def get_events(self, run_id: UUID | str) -> list[EventRecord]:
        """Return who cancelled, retried or reran a run, when and why, oldest first."""
        return self.store.get_events(as_run_id(run_id))

    def get_history(self, run: RunRecord | UUID | str) -> list[HistoryEvent]:
        """Return what happened to a run and its steps, oldest first. Raises NotFoundError."""
        record = run if isinstance(run, RunRecord) else self.get_run(run)
        steps = self.store.get_steps(record.id, attempts=True)
        return run_history(record, steps, self.store.get_events(record.id))

    def get_output(self, run_id: UUID | str) -> Any:
        """Return a completed run's output in its workflow's output type.

        Raises:
            InvalidStateError: the run has not ended.
            RunFailedError: it failed or was cancelled.

        """
        run_id = as_run_id(run_id)
        record = self.store.get_run(run_id)
        if not record.status.is_terminal:
            raise InvalidStateError(
                f"run {run_id} is {record.status}: it has no output yet",
                run_id=str(run_id),
                status=record.status,
            )
        if record.status is not RunStatus.COMPLETED:
            raise failed_output(record)
        return self.read_output(record, self.store.load(run_id, run_output=True).output)

    def read_output(self, record: RunRecord, text: Json | None) -> Any:
        """Return what a completed run's output says in its workflow's output type."""
        if text is None:
            return None
        workflow = self.registry.get(record.workflow_id, record.workflow_version)
        return workflow.output_codec.load(text)

    aget_run = twin(get_run)
    alist_runs = twin(list_runs)
    arun_stats = twin(run_stats)
    aget_steps = twin(get_steps)
    aget_events = twin(get_events)
    aget_history = twin(get_history)
    aget_output = twin(get_output)


def as_run_id(value: UUID | str) -> UUID:
    """Return a run id that may have come as text. Raises NotFoundError for what is none."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise NotFoundError(f"{value!r:.80} is not the id of a run") from None


def failed_output(record: RunRecord) -> RunFailedError:
    """Return the error for asking a failed or cancelled run for its output."""
    why = f": {record.error.message}" if record.error else ""
    return RunFailedError(
        f"run {record.id} is {record.status}{why}",
        run_id=str(record.id),
        status=record.status,
        error=record.error,
    )
