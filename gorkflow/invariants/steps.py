"""What must be true of each step of a run."""

from __future__ import annotations

from collections.abc import Iterator

from gorkflow.invariants.facts import Facts
from gorkflow.invariants.findings import Finding, Invariant
from gorkflow.models import StepExecution
from gorkflow.statuses import CLAIMABLE_STEPS, LIVE_STEPS, StepStatus

BEGAN = (StepStatus.RUNNING, StepStatus.COMPLETED, StepStatus.SKIPPED, StepStatus.FAILED)


def check_steps(facts: Facts) -> Iterator[Finding]:
    """Find what is wrong with the run's steps, and which of them are missing."""
    for row in facts.steps:
        yield from _check_place(facts, row)
        yield from _check_due(facts, row)
        yield from _check_lease(facts, row)
        yield from _check_attempts(facts, row)
    if facts.is_active and facts.graph is not None:
        for step_id in facts.expected_rows() - facts.rows.keys():
            yield facts.found(
                Invariant.MISSING_STEP,
                "its parents are over and it has no row",
                step_id,
                fixable=True,
            )


def _check_place(facts: Facts, row: StepExecution) -> Iterator[Finding]:
    if facts.graph is None:
        return
    if row.step_id not in facts.graph:
        yield facts.found(Invariant.UNKNOWN_STEP, "the run's graph has no such step", row.step_id)
        return
    waits_for = facts.waits_for(row.step_id)
    if row.status in BEGAN and waits_for:
        yield facts.found(
            Invariant.EARLY_STEP,
            f"it is {row.status}, but {', '.join(waits_for)} is not over",
            row.step_id,
            waits_for=waits_for,
        )
    elif facts.is_active and row.status in CLAIMABLE_STEPS and row.pending != len(waits_for):
        yield facts.found(
            Invariant.PENDING_COUNT,
            f"it waits for {row.pending} parents; {len(waits_for)} are not over",
            row.step_id,
            fixable=True,
            found=row.pending,
            expected=len(waits_for),
        )


def _check_due(facts: Facts, row: StepExecution) -> Iterator[Finding]:
    if row.status in LIVE_STEPS:
        has_time = row.status != StepStatus.PENDING or row.pending == 0
    else:
        has_time = False
    if has_time == (row.due_at is not None):
        return
    if has_time:
        message = "with a lease that never ends" if row.status == "RUNNING" else "and never due"
    else:
        message = "and due"
    yield facts.found(
        Invariant.DUE_TIME, f"it is {row.status} {message}", row.step_id, fixable=facts.is_active
    )


def _check_lease(facts: Facts, row: StepExecution) -> Iterator[Finding]:
    if row.status != StepStatus.RUNNING:
        return
    if row.token is None:
        yield facts.found(
            Invariant.LEASE,
            "it runs without a token: no worker can finish it, and no sweep finds it",
            row.step_id,
            fixable=True,
        )
    elif row.started_at is None:
        yield facts.found(Invariant.LEASE, "it runs and was never started", row.step_id)


def _check_attempts(facts: Facts, row: StepExecution) -> Iterator[Finding]:
    kept = facts.attempts.get(row.pk, [])
    missing = sorted(set(range(1, row.attempt)) - set(kept))
    beyond = [number for number in kept if not 1 <= number <= row.attempt]
    if missing or beyond:
        yield facts.found(
            Invariant.ATTEMPTS,
            f"of its {row.attempt} attempts, kept are {kept}",
            row.step_id,
            missing=missing,
            beyond=beyond,
        )
    if row.status in BEGAN and row.attempt == 0:
        yield facts.found(Invariant.ATTEMPTS, f"it is {row.status} without an attempt", row.step_id)
