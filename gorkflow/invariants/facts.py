"""What the checks look at: a run with its steps and the numbers of its earlier attempts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID

from gorkflow.definition.graph import ExecutionGraph
from gorkflow.invariants.findings import Finding, Invariant
from gorkflow.models import DefinitionSnapshot, StepAttempt, StepExecution, WorkflowRun
from gorkflow.models.fields import PayloadText
from gorkflow.statuses import ACTIVE_RUNS, DONE_STEPS, StepStatus
from gorkflow.stores.orm.rows import RUN_COLUMNS


@dataclass(frozen=True)
class Facts:
    """One run as it is stored, without its payloads."""

    run: WorkflowRun
    steps: Sequence[StepExecution]
    attempts: dict[int, list[int]]
    """Numbers of the attempts that are kept, by the key of the step row."""
    graph: ExecutionGraph | None
    """None if it cannot be read."""

    @property
    def is_active(self) -> bool:
        """Whether the run has something to do."""
        return self.run.status in ACTIVE_RUNS

    @cached_property
    def rows(self) -> dict[str, StepExecution]:
        """The steps by id."""
        return {row.step_id: row for row in self.steps}

    @property
    def open_sinks(self) -> int:
        """How many sinks of the graph are not over."""
        assert self.graph is not None
        return sum(not self.is_over(sink) for sink in self.graph.sinks)

    def is_over(self, step_id: str) -> bool:
        """Tell whether the steps behind this one need not wait for it any more."""
        row = self.rows.get(step_id)
        if row is None or self.graph is None:
            return False
        if row.status == StepStatus.FAILED and step_id in self.graph:
            return self.graph[step_id].config.continue_on_error
        return row.status in DONE_STEPS

    def expected_rows(self) -> set[str]:
        """Return the steps that must have a row: joins from the start, others once ready."""
        assert self.graph is not None
        ready = {node.id for node in self.graph if not self.waits_for(node.id)}
        return ready | set(self.graph.joins)

    def found(
        self,
        invariant: Invariant,
        message: str,
        step_id: str = "",
        *,
        fixable: bool = False,
        **data: Any,
    ) -> Finding:
        """Return a finding about the run or one of its steps."""
        return Finding(
            invariant=invariant,
            message=message,
            run_id=self.run.pk,
            step_id=step_id,
            data=data,
            fixable=fixable,
        )

    def waits_for(self, step_id: str) -> list[str]:
        """Return the parents that a step of the graph waits for."""
        assert self.graph is not None
        return [parent for parent in self.graph[step_id].parents if not self.is_over(parent)]


def load_facts(run_ids: Sequence[UUID], using: str) -> list[Facts]:
    """Return the facts of those runs that exist, in four queries."""
    columns = (*RUN_COLUMNS, "active_key")
    runs = WorkflowRun.objects.using(using).filter(pk__in=run_ids).only(*columns)
    found = list(runs.order_by("pk"))
    steps: dict[UUID, list[StepExecution]] = defaultdict(list)
    rows = StepExecution.objects.using(using).without_payloads().filter(run_id__in=run_ids)
    for row in rows.order_by("position", "map_index"):
        steps[row.run_id].append(row)
    attempts: dict[int, list[int]] = defaultdict(list)
    kept = StepAttempt.objects.using(using).filter(step__run_id__in=run_ids).order_by("number")
    for step_id, number in kept.values_list("step_id", "number"):
        attempts[step_id].append(number)
    graphs = _graphs({run.definition_id for run in found}, using)
    return [Facts(run, steps[run.pk], attempts, graphs.get(run.definition_id)) for run in found]


def _graphs(fingerprints: set[str], using: str) -> dict[str, ExecutionGraph]:
    snapshots = DefinitionSnapshot.objects.using(using).filter(pk__in=fingerprints)
    texts = dict(snapshots.values_list("pk", PayloadText("graph")))
    graphs = {fingerprint: _graph(text) for fingerprint, text in texts.items()}
    return {key: graph for key, graph in graphs.items() if graph is not None}


@lru_cache(maxsize=256)
def _graph(text: str) -> ExecutionGraph | None:
    try:
        return ExecutionGraph.from_json(text)
    except ValueError:
        return None
