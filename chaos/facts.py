"""Reads the facts for the ledger: from the tables, and from what handlers and callers noted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from chaos.journal import EXECUTIONS, STARTS, entries
from chaos.ledger import AttemptFacts, Facts, RunFacts, StepFacts
from chaos.models import Effect
from gorkflow.definition.registry import registry
from gorkflow.models import StepAttempt, StepExecution, WorkflowRun


def read_facts(*, seed: int, runs: int) -> Facts:
    """Read everything there is. Call it when nothing is running any more."""
    stored = list(WorkflowRun.objects.all())
    steps: dict[Any, list[StepFacts]] = defaultdict(list)
    effects = _effects()
    attempts = _attempts()
    atomic = {run.id: _atomic_steps(run) for run in stored}
    for row in StepExecution.objects.all():
        steps[row.run_id].append(
            StepFacts(
                step_id=row.step_id,
                status=row.status,
                atomic=row.step_id in atomic[row.run_id],
                nonce=_data(row.output).get("nonce"),
                attempts=_with_the_latest(row, attempts[row.pk]),
                effects=effects[row.run_id, row.step_id],
            )
        )
    return Facts(
        runs=[_run(run, steps[run.id]) for run in stored],
        executions=list(entries(EXECUTIONS)),
        starts=list(entries(STARTS)),
        keys={run.idempotency_key: str(run.id) for run in stored if run.idempotency_key},
        planned=range(runs),
        seed=seed,
    )


def _run(run: WorkflowRun, steps: Sequence[StepFacts]) -> RunFacts:
    return RunFacts(
        id=str(run.id),
        workflow_id=run.workflow_id,
        task=_data(run.input),
        status=run.status,
        total_steps=run.total_steps,
        output=_data(run.output),
        resource_id=run.resource_id,
        created_at=run.created_at,
        ended_at=run.ended_at,
        steps=steps,
    )


def _data(value: Any) -> Any:
    """Return a payload as data, whether or not the column came parsed."""
    if isinstance(value, str):
        value = json.loads(value)
    return {} if value is None else value


def _atomic_steps(run: WorkflowRun) -> frozenset[str]:
    steps = registry.get(run.workflow_id, run.workflow_version).steps
    return frozenset(step_id for step_id, step in steps.items() if step.atomic)


def _effects() -> dict[tuple[Any, str], list[str]]:
    found: dict[tuple[Any, str], list[str]] = defaultdict(list)
    for run_id, step_id, nonce in Effect.objects.values_list("run_id", "step_id", "nonce"):
        found[run_id, step_id].append(nonce)
    return found


def _attempts() -> dict[int, list[AttemptFacts]]:
    found: dict[int, list[AttemptFacts]] = defaultdict(list)
    for row in StepAttempt.objects.order_by("number"):
        found[row.step_id].append(_attempt(row, row.number))
    return found


def _with_the_latest(row: StepExecution, earlier: Iterable[AttemptFacts]) -> list[AttemptFacts]:
    known = list(earlier)
    if row.attempt and row.attempt not in {attempt.number for attempt in known}:
        known.append(_attempt(row, row.attempt))
    return known


def _attempt(row: StepAttempt | StepExecution, number: int) -> AttemptFacts:
    return AttemptFacts(
        number=number,
        status=row.status,
        worker=row.worker,
        error=(row.error or {}).get("code", ""),
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
