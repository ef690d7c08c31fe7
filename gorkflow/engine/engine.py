"""The engine: the one door to starting, steering and working on runs.

It joins the pure planner, a store and a dispatcher, and holds no state of its own that matters:
any number of engines in any number of processes may share a store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from gorkflow.config import EngineConfig, StartOptions
from gorkflow.definition.registry import Registry
from gorkflow.definition.registry import registry as default_registry
from gorkflow.definition.workflow import Workflow
from gorkflow.dispatch.base import Dispatcher, Hint
from gorkflow.engine.acts import new_event, retry_event
from gorkflow.engine.aftermath import tell
from gorkflow.engine.alone import LoneWorker
from gorkflow.engine.asynchronous import twin
from gorkflow.engine.clock import Clock, SystemClock
from gorkflow.engine.heartbeat import Heartbeat
from gorkflow.engine.observer import NullObserver, Observer, log_run
from gorkflow.engine.planners import Planners
from gorkflow.engine.pruning import BATCH, ages_of, prune_all
from gorkflow.engine.reading import RunReader, as_run_id
from gorkflow.engine.recovery import LIMIT, sweep_once
from gorkflow.engine.run import Run
from gorkflow.engine.starting import build_run, checked_run_at, held_back, refuse_other_input
from gorkflow.engine.worker import RunWorker, worker_name
from gorkflow.errors import ErrorCode, InvalidStateError, NotFoundError
from gorkflow.log import WORKFLOW_CREATED, WORKFLOW_RETRIED, log
from gorkflow.records import (
    ErrorInfo,
    Json,
    RunRecord,
    StepRecord,
)
from gorkflow.statuses import (
    CLAIMABLE_STEPS,
    RETRYABLE_RUNS,
    TERMINAL_RUNS,
    ActKind,
    RunStatus,
)
from gorkflow.stores.base import Claim, NewEvent, NewRun, Restart, WorkflowStore

SAME: Any = object()
"""Stands for the input that a run had."""


class Engine(RunReader):
    """Starts, runs and steers workflows.

    Args:
        store: where runs live.
        dispatcher: carries hints to workers.
        registry: the workflows this process has code for.
        config: leases, intervals, limits.
        observer: told of committed transitions.
        clock: waits and budgets; tests pass a virtual one.

    """

    def __init__(  # noqa: PLR0913  the seams
        self,
        store: WorkflowStore,
        dispatcher: Dispatcher,
        *,
        registry: Registry = default_registry,
        config: EngineConfig | None = None,
        observer: Observer | None = None,
        clock: Clock | None = None,
    ) -> None:
        config = config or EngineConfig()
        super().__init__(store, registry, Planners(store, registry, config))
        self.dispatcher = dispatcher
        self.config = config
        self.observer = observer or NullObserver()
        self.clock = clock or SystemClock()
        self.heartbeat = Heartbeat(store, lease=self.config.lease, interval=self.config.heartbeat)

    # Starting

    def start(
        self,
        workflow: Workflow[Any, Any] | str,
        input: Any = None,  # noqa: A002  the word users know
        options: StartOptions | None = None,
    ) -> Run[Any]:
        """Store a run and, once the caller's transaction commits, tell the workers.

        Args:
            workflow: a workflow or the id of a registered one (its current version).
            input: validated against the workflow's input type.
            options: see `StartOptions`.

        Raises:
            NotFoundError: no such workflow is registered.
            PayloadError: the input, the tags, the context or `run_at` are wrong.
            ConcurrencyLimitError: the resource id is held by another run.
            IdempotencyConflictError: the idempotency key came with another input before.

        """
        if isinstance(workflow, str):
            workflow = self.registry.get(workflow)
        elif self.registry.find(workflow.id, workflow.version) is not workflow:
            raise NotFoundError(
                f"{workflow!r} is not registered, so no worker would find its code: "
                "wrap it in register() in a module that workers import",
                workflow_id=workflow.id,
            )
        options = options or StartOptions()
        text = self._input_text(workflow, input)
        return self._create(self._build(workflow, text, options), options)

    def rerun(
        self,
        run_id: UUID | str,
        *,
        input: Any = SAME,  # noqa: A002  the word users know
        idempotency_key: str | None = None,
        actor: str = "",
        reason: str = "",
    ) -> Run[Any]:
        """Start a new run, of the workflow's current version, with the same input or another one.

        It keeps the first run's context, resource id, concurrency check, tags and priority.

        Args:
            run_id: the run to do again, in whatever status.
            input: another input; left out, it is the run's own.
            idempotency_key: a second rerun with the same key returns the first one's run.
            actor: who asked for it; the new run is `started_by` them.
            reason: why, for the first run's history.

        Raises:
            NotFoundError: no such run, or its workflow is no longer registered.
            PayloadError: the input does not fit the current version; actor or reason is too long.
            ConcurrencyLimitError: the resource id is held by another run.
            IdempotencyConflictError: the idempotency key came with another input before.

        """
        run_id = as_run_id(run_id)
        record = self.store.get_run(run_id)
        workflow = self.registry.get(record.workflow_id)
        loaded = self.store.load(run_id, run_input=input is SAME, context=True)
        if input is SAME:
            workflow.input_codec.load(text := loaded.input)
        else:
            text = self._input_text(workflow, input)
        event = new_event(ActKind.RERUN, actor=actor, reason=reason)
        options = StartOptions(
            resource_id=record.resource_id or None,
            concurrency_check=record.concurrency_checked,
            tags=record.tags,
            priority=record.priority,
            idempotency_key=idempotency_key,
            started_by=event.actor,
        )
        new = self._build(workflow, text, options)
        event = replace(event, data={"run_id": str(new.id)})
        new = replace(new, context=loaded.context, rerun_of=run_id, rerun_event=event)
        return self._create(new, options)

    def _input_text(self, workflow: Workflow[Any, Any], value: Any) -> Json:
        return workflow.input_codec.dump(
            value,
            what=f"input of workflow {workflow.id!r}",
            max_bytes=self.config.max_payload_bytes,
        )

    def _build(self, workflow: Workflow[Any, Any], text: Json, options: StartOptions) -> NewRun:
        planner = self.planners.of_graph(workflow.graph)
        run_at = None if options.run_at is None else checked_run_at(options, self.store.now())
        return build_run(workflow, text, options, planner, self.config, run_at=run_at)

    def _create(self, new: NewRun, options: StartOptions) -> Run[Any]:
        lone = LoneWorker(self, new.id) if options.synchronous else None
        record, created = lone.begin(new) if lone else None, True
        if record is None:
            record, created = self.store.create_run(new)
        while not created:
            with suppress(NotFoundError):
                refuse_other_input(self.store, record, new.input)
                return Run(self, record, created=False)
            # The run with the same key has been pruned since.
            record, created = self.store.create_run(new)
        log.info(WORKFLOW_CREATED, run_id=str(new.id), workflow_id=new.workflow_id)
        tell(self.observer.run_created, new.id, new.workflow_id)
        if lone:
            ended = lone.run_to_end()
            if ended is None:
                return self.run(new.id)
            return Run(self, ended.record, ended=ended)
        ready = [row.queue for row in new.steps if row.pending == 0]
        hints = self.planners.of_run(record).hints(new.id, ready, new.priority)
        self.send(held_back(hints, record, self.config.max_countdown))
        return Run(self, record)

    def run(self, run_id: UUID | str) -> Run[Any]:
        """Return one run as an object to wait for and steer. Raises NotFoundError."""
        return Run(self, self.get_run(run_id))

    # Steering

    def cancel(self, run_id: UUID | str, *, actor: str = "", reason: str = "") -> RunRecord:
        """Cancel a run and every unfinished step of it, at once.

        A handler that is running notices at its next heartbeat; its result is refused.

        Args:
            run_id: the run to cancel.
            actor: who cancels it, for its history; up to 255 characters.
            reason: why, for its history and its `error`; up to 500 characters.

        Raises:
            NotFoundError: no such run.
            InvalidStateError: the run has ended; `data["status"]` says how.
            PayloadError: actor or reason is too long.

        """
        run_id = as_run_id(run_id)
        event = new_event(ActKind.CANCEL, actor=actor, reason=reason)
        error = ErrorInfo(code=ErrorCode.CANCELLED, message=event.reason or "cancelled")
        return self.end_run(run_id, RunStatus.CANCELLED, error, event=event)

    def end_run(
        self,
        run_id: UUID,
        status: RunStatus,
        error: ErrorInfo,
        *,
        only_overdue: bool = False,
        event: NewEvent | None = None,
    ) -> RunRecord:
        """End an active run as CANCELLED or FAILED from outside its steps."""
        wake = self.store.end_run(run_id, status, error, only_overdue=only_overdue, event=event)
        record = self.store.get_run(run_id)
        log_run(run_id, record.workflow_id, status, error)
        tell(self.observer.run_ended, run_id, record.workflow_id, status, error)
        self.send(wake)
        return record

    def retry(self, run_id: UUID | str, *, actor: str = "", reason: str = "") -> RunRecord:
        """Continue a FAILED or CANCELLED run from the steps that are not done.

        Args:
            run_id: the run to go on with.
            actor: who asked for it, for its history; up to 255 characters.
            reason: why, for its history; up to 500 characters.

        Raises:
            NotFoundError: no such run.
            InvalidStateError: the run is not FAILED or CANCELLED.
            ConcurrencyLimitError: another run holds its resource id by now.
            PayloadError: actor or reason is too long.

        """
        run_id = as_run_id(run_id)
        planner = self.planners.of_run(self.store.get_run(run_id))

        def decide(record: RunRecord, steps: Sequence[StepRecord]) -> Restart:
            if record.status not in RETRYABLE_RUNS:
                raise InvalidStateError(
                    f"run {run_id} is {record.status}: only FAILED and CANCELLED runs are retried",
                    run_id=str(run_id),
                    status=record.status,
                )
            event = retry_event(record, actor=actor, reason=reason)
            return replace(planner.restart(steps), event=event)

        record = self.store.restart(run_id, decide)
        log.info(WORKFLOW_RETRIED, run_id=str(run_id), workflow_id=record.workflow_id)
        ready = [
            row.queue
            for row in self.store.get_steps(run_id)
            if row.status in CLAIMABLE_STEPS and row.pending_parents == 0
        ]
        self.send(planner.hints(run_id, ready, record.priority))
        return record

    astart, arerun, arun = twin(start), twin(rerun), twin(run)
    acancel, aretry = twin(cancel), twin(retry)

    # Working

    def work(
        self,
        run_id: UUID,
        *,
        queue: str | None = None,
        stopping: Callable[[], bool] = lambda: False,
        budget: float | None = None,
    ) -> int:
        """Work on a run until nothing of it is ready on the queue, or the budget is spent.

        Args:
            run_id: the run; an unknown one is no error, the message may be old.
            queue: only steps of this queue; None for all.
            stopping: asked before each next step; True hands the run over.
            budget: seconds; None for the configured time budget.

        Returns:
            The number of attempts made.

        """
        until = time.monotonic() + (self.config.time_budget if budget is None else budget)
        worker = RunWorker(
            self,
            run_id,
            queue=queue,
            worker=worker_name(),
            keep_going=lambda: time.monotonic() < until and not stopping(),
        )
        return worker.run()

    def run_to_end(self, run_id: UUID) -> None:
        """Work on a run in this thread until it has ended, waiting for retries that are due.

        It tells no worker of the run, so it needs no broker.
        """
        LoneWorker(self, run_id).run_to_end()

    def sweep(self, limit: int = LIMIT, *, expire: bool = True) -> int:
        """Find work that nobody is doing and tell the workers. It executes no step.

        Deletes some of the runs that need not be kept, if `EngineConfig.retention` says so.
        Idempotent and harmless to run anywhere at any time. Returns what it acted on, not
        counting what it deleted.
        """
        return sweep_once(self, limit, expire=expire).acted

    def prune(
        self,
        *,
        older_than: float | None = None,
        statuses: Sequence[str] = TERMINAL_RUNS,
        batch: int = BATCH,
        stopping: Callable[[], bool] = lambda: False,
    ) -> int:
        """Delete ended runs until none is left that is old enough; return how many.

        Args:
            older_than: seconds since they ended; None goes by `EngineConfig.retention`.
            statuses: how they ended, of COMPLETED, FAILED and CANCELLED.
            batch: runs deleted in one transaction, at most.
            stopping: asked before each batch; True leaves the rest for another time.

        Raises:
            PayloadError: an argument is wrong.
            ConfigurationError: `older_than` is None, and nothing is configured.

        """
        ages = ages_of(older_than, statuses, batch, self.config)
        return prune_all(self, ages, batch=batch, stopping=stopping)

    # For the engine's own parts

    def send(self, hints: Sequence[Hint]) -> None:
        """Hand hints to the dispatcher."""
        for hint in hints:
            self.dispatcher.send(hint)

    def retry_hint(self, claim: Claim, delay: float) -> Hint:
        """Return the message for a retry; a long wait is cut short, and the sweep sends again."""
        return Hint(
            run_id=claim.run_id,
            queue=claim.queue,
            priority=claim.priority,
            delay=min(delay, self.config.max_countdown),
        )
