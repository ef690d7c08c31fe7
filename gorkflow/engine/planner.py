"""Every decision about a run, as pure functions from a graph to what a store has to change.

No clock, no database, no handler: `Finish`, `NewStep` and `Restart` come out, and a store applies
them. Whatever differs between two stores, it is not what is decided here.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import pydantic_core

from gorkflow.config import EngineConfig
from gorkflow.definition.graph import ExecutionGraph, Join, Node
from gorkflow.dispatch.base import Hint
from gorkflow.engine.retry import compute_delay
from gorkflow.errors import ErrorCode
from gorkflow.records import ErrorInfo, Json, StepRecord
from gorkflow.statuses import DONE_STEPS, StepStatus
from gorkflow.stores.base import Claim, Finish, NewStep, Restart, StepOutput
from gorkflow.values import value


@value
class Outcome:
    """How an attempt went, before anybody decided what that means for the run."""

    status: StepStatus
    """COMPLETED, SKIPPED or FAILED; PENDING when the attempt was given back unfinished."""
    output: Json | None = None
    state: Mapping[str, Json | None] = field(default_factory=dict)
    error: ErrorInfo | None = None
    retryable: bool = True


class _Following(NamedTuple):
    """What the end of a step leads to."""

    inserts: Sequence[NewStep]
    """Steps that are ready by it."""
    joins: Sequence[str]
    """Steps on which it counts a parent down."""


class Planner:
    """The decisions for one graph."""

    def __init__(self, graph: ExecutionGraph, config: EngineConfig) -> None:
        self.graph = graph
        self._config = config
        self._following: dict[str, _Following] = {}

    def first_steps(self) -> tuple[NewStep, ...]:
        """Return the rows a run starts with: entry steps, and joins, which count their parents."""
        waiting = [
            self.row(step_id, len(self.graph[step_id].parents)) for step_id in self.graph.joins
        ]
        return (*(self.row(step_id) for step_id in self.graph.entries), *waiting)

    def finish(
        self, claim: Claim, outcome: Outcome, rand: Callable[[], float] = random.random
    ) -> Finish:
        """Decide what becomes of a claimed step and its successors."""
        if outcome.status is StepStatus.PENDING:
            return give_back(claim)
        if outcome.status is not StepStatus.FAILED:
            return self._over(claim, outcome, failures=claim.failures, crashes=claim.crashes)
        node = self.graph[claim.step_id]
        failures = claim.failures + 1
        if outcome.retryable and failures <= node.config.max_retries:
            return Finish(
                status=StepStatus.RETRYING,
                error=outcome.error,
                failures=failures,
                crashes=claim.crashes,
                retry_in=compute_delay(node.config, failures, rand),
            )
        return self._failed(claim, outcome, failures=failures, crashes=claim.crashes)

    def lost(
        self,
        claim: Claim,
        why: str = "the lease ended without a result",
        *,
        only_expired: bool = True,
    ) -> Finish:
        """Decide what becomes of a step whose attempt was lost: again, or WORKER_LOST.

        Not its handler's doing, so its retries are not touched; counted and capped all the same.
        """
        crashes = claim.crashes + 1
        error = ErrorInfo(
            code=ErrorCode.WORKER_LOST,
            message=f"{why} ({crashes} of {self._config.max_crashes})",
            step_id=claim.step_id,
            attempt=claim.attempt,
        )
        if crashes < self._config.max_crashes:
            return Finish(
                status=StepStatus.RETRYING,
                error=error,
                failures=claim.failures,
                crashes=crashes,
                only_expired=only_expired,
            )
        outcome = Outcome(status=StepStatus.FAILED, error=error)
        return self._failed(
            claim, outcome, failures=claim.failures, crashes=crashes, only_expired=only_expired
        )

    def restart(self, steps: Sequence[StepRecord]) -> Restart:
        """Decide how an ended run goes on: everything that is over stays, the rest starts again."""
        rows = {row.step_id: row for row in steps}
        over = {step_id for step_id, row in rows.items() if self.is_over(row)}
        reset: dict[str, int] = {}
        inserts: list[NewStep] = []
        for node in self.graph:
            if node.id in over:
                continue
            waits_for = sum(parent not in over for parent in node.parents)
            row = rows.get(node.id)
            if row is None:
                if waits_for == 0:
                    inserts.append(self.row(node.id))
            elif row.status is not StepStatus.RUNNING:
                reset[node.id] = waits_for
        open_sinks = sum(sink not in over for sink in self.graph.sinks)
        return Restart(reset=reset, inserts=inserts, open_sinks=open_sinks)

    def is_over(self, step: StepRecord) -> bool:
        """Whether a retry leaves the step as it is."""
        tolerated = step.status is StepStatus.FAILED and self._tolerates(step.step_id)
        return tolerated or step.status in DONE_STEPS

    def hints(self, run_id: UUID, ready: Iterable[str], priority: int) -> list[Hint]:
        """Return the messages for ready steps, given their queues: at most as many as can run."""
        most = self._config.max_messages
        if limit := self.step_limit:
            most = min(most, limit)
        return [
            Hint(run_id=run_id, queue=queue, priority=priority)
            for queue, count in Counter(ready).items()
            for _ in range(min(count, most))
        ]

    @property
    def step_limit(self) -> int | None:
        """How many steps of one run may run at once."""
        # It is the workflow's own setting, so every node carries the same.
        return next(iter(self.graph)).config.max_concurrency

    def queue(self, step_id: str) -> str:
        """Return the queue that the step's messages go to."""
        return self.graph[step_id].config.queue or self._config.default_queue

    def row(self, step_id: str, pending: int = 0) -> NewStep:
        """Return the row of a step that waits for so many parents."""
        return NewStep(
            step_id=step_id,
            position=self.graph.position(step_id),
            queue=self.queue(step_id),
            pending=pending,
        )

    def _after(self, step_id: str) -> _Following:
        """Return what follows when the step is over; found out once."""
        found = self._following.get(step_id)
        if found is None:
            children = self.graph.children(step_id)
            single = [child for child in children if len(self.graph[child].parents) == 1]
            joins = tuple(child for child in children if len(self.graph[child].parents) > 1)
            found = self._following[step_id] = _Following(tuple(map(self.row, single)), joins)
        return found

    def _tolerates(self, step_id: str) -> bool:
        return step_id in self.graph and self.graph[step_id].config.continue_on_error

    def _failed(
        self,
        claim: Claim,
        outcome: Outcome,
        *,
        failures: int,
        crashes: int,
        only_expired: bool = False,
    ) -> Finish:
        if self._tolerates(claim.step_id):
            return self._over(
                claim, outcome, failures=failures, crashes=crashes, only_expired=only_expired
            )
        return Finish(
            status=StepStatus.FAILED,
            error=outcome.error,
            run_error=outcome.error and outcome.error.without_traceback(),
            failures=failures,
            crashes=crashes,
            only_expired=only_expired,
        )

    def _over(
        self,
        claim: Claim,
        outcome: Outcome,
        *,
        failures: int,
        crashes: int,
        only_expired: bool = False,
    ) -> Finish:
        inserts, joins = self._after(claim.step_id)
        finish = Finish(
            status=outcome.status,
            output=outcome.output,
            state=outcome.state,
            error=outcome.error,
            failures=failures,
            crashes=crashes,
            only_expired=only_expired,
            inserts=inserts,
            joins=joins,
        )
        return finish if inserts or joins else self._as_sink(finish, claim.step_id)

    def _as_sink(self, finish: Finish, step_id: str) -> Finish:
        own = {step_id: StepOutput(status=finish.status, output=finish.output)}
        return replace(
            finish,
            is_sink=True,
            output_sources=_other_sources(self.graph, step_id),
            run_output=lambda others: run_output(self.graph, {**others, **own}),
        )


def give_back(claim: Claim) -> Finish:
    """Return the finish that makes a step claimable again as if it had not been claimed."""
    return Finish(status=StepStatus.PENDING, failures=claim.failures, crashes=claim.crashes)


def run_output(graph: ExecutionGraph, outputs: Mapping[str, StepOutput]) -> Json | None:
    """Return a run's output: its one sink's, or those of several sinks as an object by step id."""
    shown = _visible(graph, outputs)
    if len(graph.sinks) == 1:
        return shown.get(graph.sinks[0])
    return _object((sink, shown.get(sink)) for sink in graph.sinks)


def join_outputs(node: Node, outputs: Mapping[str, StepOutput]) -> Json:
    """Return a step's input as JSON text, from its parents' outputs.

    A parent that failed and was tolerated is null in a tuple and missing by id.
    """
    if node.join is Join.SINGLE:
        return outputs[node.parents[0]].output or "null"
    if node.join is Join.TUPLE:
        return "[" + ",".join(outputs[parent].output or "null" for parent in node.parents) + "]"
    present = [
        (parent, outputs[parent].output)
        for parent in node.parents
        if outputs[parent].status is not StepStatus.FAILED
    ]
    return _object(present)


def _object(items: Iterable[tuple[str, Json | None]]) -> Json:
    pairs = (f"{pydantic_core.to_json(key).decode()}:{text or 'null'}" for key, text in items)
    return "{" + ",".join(pairs) + "}"


def _visible(graph: ExecutionGraph, outputs: Mapping[str, StepOutput]) -> dict[str, Json | None]:
    """Return what each step shows: its output or, skipped without one, what its parents show."""
    shown: dict[str, Json | None] = {}
    # Parents first, so that a chain of a thousand skipped steps is a loop and no recursion.
    for step_id in sorted(outputs, key=graph.position):
        found = outputs[step_id]
        parents = graph[step_id].parents
        if found.status is not StepStatus.SKIPPED or found.output is not None or not parents:
            shown[step_id] = found.output
        elif len(parents) == 1:
            shown[step_id] = shown.get(parents[0])
        else:
            shown[step_id] = _object((parent, shown.get(parent)) for parent in parents)
    return shown


@lru_cache(maxsize=1024)
def _output_sources(graph: ExecutionGraph) -> frozenset[str]:
    found: set[str] = set()
    unseen = list(graph.sinks)
    while unseen:
        step_id = unseen.pop()
        if step_id in found:
            continue
        found.add(step_id)
        node = graph[step_id]
        if node.conditional and node.default is None and not node.passes_through:
            unseen.extend(node.parents)
    return frozenset(found)


def _other_sources(graph: ExecutionGraph, step_id: str) -> tuple[str, ...]:
    return tuple(sorted(_output_sources(graph) - {step_id}))
