"""Whether stored outputs are what the registered workflow says they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gorkflow.definition.registry import Registry
from gorkflow.definition.workflow import Workflow
from gorkflow.errors import PayloadError
from gorkflow.invariants.facts import Facts
from gorkflow.invariants.findings import Finding, Invariant
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.models.fields import PayloadText
from gorkflow.statuses import RunStatus, StepStatus

AT_ONCE = 50
"""Payloads in memory at a time; each may be as large as the limit allows."""


def check_payloads(chunk: Sequence[Facts], registry: Registry, using: str) -> Iterator[Finding]:
    """Find outputs that cannot be read as their types; runs of unknown versions are left out."""
    known = {facts.run.pk: (facts, _workflow(facts, registry)) for facts in chunk}
    known = {run_id: each for run_id, each in known.items() if each[1] is not None}
    steps = StepExecution.objects.using(using).filter(
        run_id__in=list(known), status=StepStatus.COMPLETED
    )
    columns = ("run_id", "step_id", PayloadText("output"))
    for run_id, step_id, text in steps.order_by().values_list(*columns).iterator(AT_ONCE):
        facts, workflow = known[run_id]
        step = None if workflow is None else workflow.steps.get(step_id)
        if step is not None and text is not None:
            yield from _check(facts, step.output_codec, text, step_id)
    completed = WorkflowRun.objects.using(using).filter(
        pk__in=list(known), status=RunStatus.COMPLETED, output__isnull=False
    )
    for run_id, text in (
        completed.order_by().values_list("pk", PayloadText("output")).iterator(AT_ONCE)
    ):
        facts, workflow = known[run_id]
        if workflow is not None:
            yield from _check(facts, workflow.output_codec, text)


def _workflow(facts: Facts, registry: Registry) -> Workflow[Any, Any] | None:
    run = facts.run
    found = registry.find(run.workflow_id, run.workflow_version)
    return found if found is not None and found.graph.fingerprint == run.definition_id else None


def _check(facts: Facts, codec: Any, text: str, step_id: str = "") -> Iterator[Finding]:
    try:
        codec.load(text)
    except PayloadError as error:
        yield facts.found(Invariant.OUTPUT, str(error), step_id)
