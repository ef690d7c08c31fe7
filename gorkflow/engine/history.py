"""A run's steps as a reader wants them: every node of the graph, reached or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gorkflow.definition.graph import Node
from gorkflow.engine.planner import Planner
from gorkflow.records import RunRecord, StepRecord
from gorkflow.statuses import StepStatus


def full_steps(run: RunRecord, planner: Planner, rows: Sequence[StepRecord]) -> list[StepRecord]:
    """Return a record per step in topological order; a step without a row was never reached."""
    by_id = {row.step_id: row for row in rows}
    # Of a run that ended early, what was never reached will not be: it counts as cancelled.
    unreached = StepStatus.CANCELLED if run.status.is_terminal else StepStatus.PENDING
    steps = []
    for node in planner.graph:
        row = by_id.get(node.id)
        if row is None:
            steps.append(_unreached(run, planner, node, unreached))
        else:
            steps.append(replace(row, name=node.name, parents=node.parents))
    return steps


def _unreached(run: RunRecord, planner: Planner, node: Node, status: StepStatus) -> StepRecord:
    return StepRecord(
        run_id=run.id,
        step_id=node.id,
        name=node.name,
        position=planner.graph.position(node.id),
        status=status,
        parents=node.parents,
        pending_parents=len(node.parents),
        queue=planner.queue(node.id),
    )
