"""What the contract's tests are written with: small graphs, and a worker's moves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from gorkflow.config import EngineConfig, ExecutionConfig
from gorkflow.definition.graph import ExecutionGraph, Join, Node
from gorkflow.engine.planner import Outcome, Planner
from gorkflow.engine.starting import new_run_id
from gorkflow.errors import ErrorCode
from gorkflow.records import ErrorInfo, StepRecord
from gorkflow.statuses import StepStatus
from gorkflow.stores.base import Candidate, Claim, Finished, NewRun, Taker, WorkflowStore

LEASE = 60.0
QUEUE = "celery"
WORKFLOW = ("contract", "1")
_KNOWN: set[tuple[str, str, str]] = set()


def graph_of(*, config: ExecutionConfig | None = None, **parents: str) -> ExecutionGraph:
    """Return a graph: `graph_of(a="", b="a", c="a b")` has c wait for a and b."""
    joins = {0: Join.RUN, 1: Join.SINGLE}
    nodes = []
    for step_id, names in parents.items():
        ids = tuple(names.split())
        nodes.append(
            Node(
                id=step_id,
                name=step_id,
                parents=ids,
                join=joins.get(len(ids), Join.TUPLE),
                config=config or ExecutionConfig(),
            )
        )
    graph = ExecutionGraph(nodes)
    _KNOWN.add((*WORKFLOW, graph.fingerprint))
    return graph


CHAIN = graph_of(a="", b="a", c="b")
DIAMOND = graph_of(a="", b="a", c="a", d="b c")


def planner_of(graph: ExecutionGraph) -> Planner:
    """Return a planner with default limits."""
    return Planner(graph, EngineConfig())


def new_run(graph: ExecutionGraph = CHAIN, **changes: Any) -> NewRun:
    """Return a run of the graph, ready to be created."""
    new = NewRun(
        id=new_run_id(),
        workflow_id=WORKFLOW[0],
        workflow_version=WORKFLOW[1],
        fingerprint=graph.fingerprint,
        graph=graph.to_json(),
        input='{"n":1}',
        context=None,
        total_steps=len(graph),
        sinks=len(graph.sinks),
        steps=planner_of(graph).first_steps(),
    )
    return replace(new, **changes)


def taker(
    *,
    queue: str | None = None,
    lease: float = LEASE,
    refuse: Callable[[Candidate], str] | None = None,
) -> Taker:
    """Return a taker with a fresh token, of a process that knows every graph made so far."""
    return Taker(
        token=uuid4(),
        worker="contract:1",
        lease=lease,
        queue=queue,
        refuse=refuse or (lambda _candidate: ""),
        known=frozenset(() if refuse else _KNOWN),
    )


def error(code: ErrorCode = ErrorCode.EXECUTION_FAILED, message: str = "boom") -> ErrorInfo:
    """Return some error."""
    return ErrorInfo(code=code, message=message)


class Contract:
    """The base of the suite's parts: give a `store` fixture, and `pass_time` for a fake clock."""

    @pytest.fixture
    def store(self) -> WorkflowStore:
        """Return an empty store."""
        raise NotImplementedError

    def pass_time(self, store: WorkflowStore, seconds: float) -> None:  # noqa: ARG002
        """Let so much of the store's time pass."""
        time.sleep(seconds)

    def create(self, store: WorkflowStore, graph: ExecutionGraph = CHAIN, **changes: Any) -> UUID:
        """Create a run and return its id."""
        record, _ = store.create_run(new_run(graph, **changes))
        return record.id

    def claim(self, store: WorkflowStore, run_id: UUID, **options: Any) -> Claim:
        """Claim a step that is there to be claimed."""
        claim = store.claim(run_id, taker(**options))
        assert claim is not None
        return claim

    def finish(
        self,
        store: WorkflowStore,
        claim: Claim,
        graph: ExecutionGraph = CHAIN,
        *,
        take: Taker | None = None,
        **outcome: Any,
    ) -> Finished:
        """Finish a claim the way the planner decides; COMPLETED with the step's id by default."""
        outcome.setdefault("status", StepStatus.COMPLETED)
        if outcome["status"] is StepStatus.COMPLETED:
            outcome.setdefault("output", f'"{claim.step_id}"')
        finish = planner_of(graph).finish(claim, Outcome(**outcome), lambda: 0.0)
        return store.finish(claim, finish, take)

    def run_all(self, store: WorkflowStore, run_id: UUID, graph: ExecutionGraph = CHAIN) -> None:
        """Complete every step."""
        claim = store.claim(run_id, taker())
        while claim is not None:
            claim = self.finish(store, claim, graph, take=taker()).claim

    def step(self, store: WorkflowStore, run_id: UUID, step_id: str) -> StepRecord:
        """Return one step with its attempts."""
        steps = store.get_steps(run_id, attempts=True)
        return next(step for step in steps if step.step_id == step_id)

    def statuses(self, store: WorkflowStore, run_id: UUID) -> dict[str, StepStatus]:
        """Return the status of every step that has a row."""
        return {step.step_id: step.status for step in store.get_steps(run_id)}
