"""What must be true of one run, apart from its steps."""

from __future__ import annotations

from collections.abc import Iterator

from gorkflow.invariants.facts import Facts
from gorkflow.invariants.findings import Finding, Invariant
from gorkflow.statuses import CLAIMABLE_STEPS, RunStatus, StepStatus


def check_run(facts: Facts) -> Iterator[Finding]:
    """Find what is wrong with the run's own row, and with its steps taken together."""
    yield from _check_graph(facts)
    yield from _check_ends(facts)
    yield from _check_error(facts)
    yield from _check_sinks(facts)
    yield from _check_live_steps(facts)
    yield from _check_limit(facts)


def _check_graph(facts: Facts) -> Iterator[Finding]:
    run, graph = facts.run, facts.graph
    if graph is None:
        yield facts.found(Invariant.GRAPH, "its graph is missing or cannot be read")
    elif run.total_steps != len(graph):
        yield facts.found(
            Invariant.GRAPH,
            f"it counts {run.total_steps} steps, its graph has {len(graph)}",
            fixable=True,
            found=run.total_steps,
            expected=len(graph),
        )


def _check_ends(facts: Facts) -> Iterator[Finding]:
    run = facts.run
    if facts.is_active == (run.ended_at is not None):
        word = "without" if run.ended_at is None else "with"
        yield facts.found(Invariant.RUN_TIMES, f"it is {run.status} {word} an end")
    if run.status == RunStatus.RUNNING and run.started_at is None:
        yield facts.found(Invariant.RUN_TIMES, "it runs and was never started")
    if not facts.is_active and run.deadline_at is not None:
        yield facts.found(
            Invariant.RUN_TIMES, f"it is {run.status} and still has a deadline", fixable=True
        )
    expected = run.concurrency_key if facts.is_active else None
    if run.active_key != expected:
        word = "does not hold" if facts.is_active else "still holds"
        yield facts.found(
            Invariant.RUN_KEY,
            f"it is {run.status} and {word} the resource {run.resource_id!r}",
            fixable=expected is None,
        )


def _check_error(facts: Facts) -> Iterator[Finding]:
    run = facts.run
    if run.status == RunStatus.FAILED and not run.error:
        yield facts.found(Invariant.RUN_ERROR, "it failed and does not say why")
    elif run.error and (facts.is_active or run.status == RunStatus.COMPLETED):
        yield facts.found(Invariant.RUN_ERROR, f"it is {run.status} and has an error")


def _check_sinks(facts: Facts) -> Iterator[Finding]:
    run = facts.run
    if facts.graph is None or not (facts.is_active or run.status == RunStatus.COMPLETED):
        return
    expected = facts.open_sinks
    if run.open_sinks != expected:
        yield facts.found(
            Invariant.OPEN_SINKS,
            f"it counts {run.open_sinks} last steps that are not over; there are {expected}",
            # With none left the run would have to be ended too.
            fixable=facts.is_active and expected > 0,
            found=run.open_sinks,
            expected=expected,
        )


def _check_live_steps(facts: Facts) -> Iterator[Finding]:
    run = facts.run
    if facts.is_active:
        if not any(
            row.status == StepStatus.RUNNING
            or (row.status in CLAIMABLE_STEPS and row.due_at is not None)
            for row in facts.steps
        ):
            yield facts.found(Invariant.STUCK_RUN, "it has no step that runs or waits for a worker")
        return
    # Siblings of the step that failed its run end by themselves.
    dead = CLAIMABLE_STEPS if run.status == RunStatus.FAILED else (*CLAIMABLE_STEPS, "RUNNING")
    for row in facts.steps:
        if row.status in dead:
            yield facts.found(
                Invariant.LIVE_STEP_IN_ENDED_RUN,
                f"it is {row.status} in a run that is {run.status}",
                row.step_id,
                fixable=True,
            )


def _check_limit(facts: Facts) -> Iterator[Finding]:
    limit = facts.run.step_limit
    running = sum(row.status == StepStatus.RUNNING for row in facts.steps)
    if facts.is_active and limit is not None and running > limit:
        yield facts.found(
            Invariant.STEP_LIMIT,
            f"{running} of its steps run at once; its limit is {limit}",
            found=running,
            expected=limit,
        )
