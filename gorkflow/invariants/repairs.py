"""The repairs that are certain: each makes a row what its run's graph and statuses say it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from gorkflow.engine.planner import Planner
from gorkflow.invariants.facts import Facts
from gorkflow.invariants.findings import Finding, Invariant
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.statuses import CLAIMABLE_STEPS, LIVE_STEPS, StepStatus
from gorkflow.stores.orm.claiming import insert_steps
from gorkflow.stores.orm.clock import DatabaseTime


class Repairs:
    """Repairs one run; the caller holds its lock.

    Args:
        planner: of the run's graph.
        using: the database alias.

    """

    def __init__(self, facts: Facts, planner: Planner, using: str) -> None:
        self._facts = facts
        self._planner = planner
        self._using = using

    def apply(self, finding: Finding) -> None:
        """Make it right; does nothing about a finding that is not fixable."""
        repair = self._repairs.get(finding.invariant)
        if finding.fixable and repair is not None:
            repair(finding)

    @property
    def _repairs(self) -> Mapping[Invariant, Callable[[Finding], None]]:
        return {
            Invariant.GRAPH: lambda _: self._set_run(total_steps=len(self._planner.graph)),
            Invariant.RUN_TIMES: lambda _: self._set_run(deadline_at=None),
            Invariant.RUN_KEY: lambda _: self._set_run(active_key=None),
            Invariant.OPEN_SINKS: lambda _: self._set_run(open_sinks=self._facts.open_sinks),
            Invariant.LIVE_STEP_IN_ENDED_RUN: self._cancel,
            Invariant.MISSING_STEP: self._insert,
            Invariant.PENDING_COUNT: self._settle,
            Invariant.DUE_TIME: self._settle,
            # Its attempt counts as lost, as if its worker had died.
            Invariant.LEASE: lambda found: self._set_step(
                found, token=uuid4(), due_at=DatabaseTime()
            ),
        }

    def _set_run(self, **changes: Any) -> None:
        WorkflowRun.objects.using(self._using).filter(pk=self._facts.run.pk).update(**changes)

    def _set_step(self, finding: Finding, **changes: Any) -> None:
        row = self._facts.rows[finding.step_id]
        StepExecution.objects.using(self._using).filter(pk=row.pk).update(**changes)

    def _cancel(self, finding: Finding) -> None:
        self._set_step(
            finding,
            status=StepStatus.CANCELLED,
            due_at=None,
            token=None,
            ended_at=DatabaseTime(),
        )

    def _insert(self, finding: Finding) -> None:
        pending = len(self._facts.waits_for(finding.step_id))
        insert_steps(self._facts.run.pk, [self._planner.row(finding.step_id, pending)], self._using)

    def _settle(self, finding: Finding) -> None:
        """Let it wait for the parents that are not over, and be due once there are none."""
        row = self._facts.rows[finding.step_id]
        if row.status not in LIVE_STEPS:
            self._set_step(finding, due_at=None)
            return
        waiting = row.status in CLAIMABLE_STEPS
        pending = len(self._facts.waits_for(finding.step_id)) if waiting else row.pending
        due = None if pending else (row.due_at or DatabaseTime())
        self._set_step(finding, pending=pending, due_at=due, ready_at=row.ready_at or due)
