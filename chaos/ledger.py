"""The ledger: what was lost and what was done twice, from traces that the engine does not know.

Pure functions from facts to findings. `chaos.facts` reads the facts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chaos.expectations import EXCLUSIVE, RUN_LIMITS, STEP_LIMITS, Expected, of_run

CLOCK_SLACK = timedelta(milliseconds=100)
"""A start reads the clock, then finds the resource free: another run may end in between."""
OVER = ("COMPLETED", "SKIPPED")
ENDED = ("COMPLETED", "FAILED", "CANCELLED")


Span = tuple[datetime | None, datetime | None]
"""When something began and when it ended."""


class Kind(StrEnum):
    """What a finding says."""

    LOST = "lost"
    """A run, a result or an effect is not there, is wrong, or never came to its end."""
    DOUBLED = "doubled"
    """A run, a result or an effect is there twice."""
    BROKEN = "broken"
    """A limit, an order or a promise to a caller was not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that must not be."""

    kind: Kind
    run: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFacts:
    """One attempt, as stored."""

    number: int
    status: str
    worker: str = ""
    error: str = ""
    """The code of its error."""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """One step row with its attempts, and the rows that its handler wrote."""

    step_id: str
    status: str
    atomic: bool = False
    nonce: str | None = None
    """Of its stored output."""
    attempts: Sequence[AttemptFacts] = ()
    effects: Sequence[str] = ()
    """The nonces of the rows that it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run, as stored."""

    id: str
    workflow_id: str
    task: Mapping[str, Any]
    status: str
    total_steps: int
    output: Any = None
    resource_id: str = ""
    created_at: datetime | None = None
    ended_at: datetime | None = None
    steps: Sequence[StepFacts] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the ledger is made from."""

    runs: Sequence[RunFacts]
    executions: Sequence[Mapping[str, Any]] = ()
    """Of handlers that came to their end: run, step, attempt, nonce, seen."""
    starts: Sequence[Mapping[str, Any]] = ()
    """What callers journalled."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Run ids by idempotency key."""
    planned: Sequence[int] = ()
    """The numbers of the runs to be started."""
    seed: int = 0


def audit(facts: Facts) -> list[Finding]:
    """Return everything that is not as it has to be."""
    traces = _Traces(facts.executions)
    found = [*_starts(facts), *traces.unknown()]
    cancelled = {each["run"]: each["cancelled"] for each in facts.starts if "cancelled" in each}
    for run in facts.runs:
        found += _run(run, cancelled.get(run.id))
        for step in run.steps:
            found += _step(run, step, traces)
    return [*found, *_limits(facts.runs), *_exclusive(facts.runs)]


class _Traces:
    """What handlers left behind, by step."""

    def __init__(self, executions: Sequence[Mapping[str, Any]]) -> None:
        self.made: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.seen: dict[tuple[str, str], set[str]] = defaultdict(set)
        """The nonces of a step that later steps were given."""
        self._executions = executions
        self._maker = {each["nonce"]: (each["run"], each["step"]) for each in executions}
        for each in executions:
            self.made[each["run"], each["step"]].add(each["nonce"])
            for nonce in each["seen"]:
                if nonce in self._maker:
                    self.seen[self._maker[nonce]].add(nonce)

    def unknown(self) -> Iterator[Finding]:
        """Find inputs that nobody of the same run has put out."""
        for each in self._executions:
            makers = [self._maker.get(nonce, ("", ""))[0] for nonce in each["seen"]]
            if any(maker != each["run"] for maker in makers):
                yield _lost(each["run"], f"{each['step']} was given what no step had put out")


def _starts(facts: Facts) -> Iterator[Finding]:
    by_number: dict[int, set[str]] = defaultdict(set)
    stored = {run.id for run in facts.runs}
    for each in facts.starts:
        number = each["number"]
        if "trouble" in each:
            yield _broken("", f"the caller of plan {number} met {each['trouble']}")
        for run_id in (each.get("run"), each.get("rerun")):
            if run_id is not None and run_id not in stored:
                yield _lost(run_id, f"was started for plan {number} and is not there")
        if "run" in each:
            by_number[number].add(each["run"])
    answered = {each["number"] for each in facts.starts}
    for number in facts.planned:
        key = f"chaos-{facts.seed}-{number}"
        if number not in answered:
            yield _lost("", f"nobody could start plan {number}")
        elif len(by_number[number]) > 1:
            yield _doubled("", f"plan {number} was started as {sorted(by_number[number])}")
        elif by_number[number] and facts.keys.get(key) not in by_number[number]:
            yield _lost("", f"the run of key {key} is not the one that its caller was told of")


def _run(run: RunFacts, cancelled: str | None) -> Iterator[Finding]:
    expected = of_run(run.workflow_id, run.task)
    # Whoever cancelled it was told how it ended.
    status = cancelled or expected.status
    if run.status not in ENDED:
        yield _lost(run.id, f"is still {run.status}")
    elif run.status != status:
        yield _lost(run.id, f"ended as {run.status} instead of {status}")
    if run.status == "COMPLETED":
        yield from _completed(run, expected)


def _completed(run: RunFacts, expected: Expected) -> Iterator[Finding]:
    if _values(run.output) != expected.value:
        yield _lost(run.id, f"put out {_values(run.output)!r} instead of {expected.value!r}")
    if len(run.steps) != run.total_steps:
        yield _lost(run.id, f"has rows of {len(run.steps)} of its {run.total_steps} steps")
    for step in run.steps:
        wanted = "COMPLETED"
        if step.step_id in expected.skipped:
            wanted = "SKIPPED"
        elif step.step_id in expected.failed:
            wanted = "FAILED"
        if step.status != wanted:
            yield _lost(run.id, f"{step.step_id} is {step.status} instead of {wanted}")


def _values(output: Any) -> Any:
    """Return the values of an output: one token's, or those of several sinks."""
    if not isinstance(output, dict):
        return output
    if "nonce" in output:
        return output["value"]
    return {name: _values(part) for name, part in output.items()}


def _step(run: RunFacts, step: StepFacts, traces: _Traces) -> Iterator[Finding]:
    name = (run.id, step.step_id)
    if step.status not in (*OVER, "FAILED", "CANCELLED"):
        if run.status in ENDED:
            yield _lost(run.id, f"has ended, but {step.step_id} is {step.status}")
        return
    is_done = step.status == "COMPLETED"
    effects = int(is_done and step.atomic)
    if len(step.effects) < effects:
        yield _lost(run.id, f"the row that {step.step_id} wrote is not there")
    if len(step.effects) > effects:
        yield _doubled(run.id, f"{step.step_id} left {len(step.effects)} rows, not {effects}")
    if effects and step.nonce not in step.effects:
        yield _doubled(run.id, f"{step.step_id}'s row and its output are of two executions")
    if is_done and step.nonce not in traces.made[name]:
        yield _lost(run.id, f"{step.step_id} is completed, but no handler made its output")
    others = traces.seen[name] - {step.nonce}
    if others:
        yield _doubled(run.id, f"later steps saw another output of {step.step_id} than is stored")
    yield from _attempts(run, step)


def _attempts(run: RunFacts, step: StepFacts) -> Iterator[Finding]:
    numbers = sorted(attempt.number for attempt in step.attempts)
    if numbers != list(range(1, len(numbers) + 1)):
        yield _broken(run.id, f"the attempts of {step.step_id} are numbered {numbers}")
    commits = sum(attempt.status in OVER for attempt in step.attempts)
    if commits > 1:
        yield _doubled(run.id, f"{commits} attempts of {step.step_id} have committed")
    if step.status in OVER and not commits:
        yield _lost(run.id, f"no attempt of {step.step_id} has committed")


def most_at_once(spans: Iterable[Span]) -> int:
    """Return how many spans overlap at most; one that is open at either end does not count."""
    changes = [
        change
        for begin, end in spans
        if begin is not None and end is not None
        for change in ((begin, 1), (end, -1))
    ]
    most = running = 0
    for _when, change in sorted(changes):
        running += change
        most = max(most, running)
    return most


def _limits(runs: Sequence[RunFacts]) -> Iterator[Finding]:
    for run in runs:
        limit = STEP_LIMITS.get(run.workflow_id)
        if limit is not None and (most := most_at_once(_spans([run]))) > limit:
            yield _broken(run.id, f"had {most} steps running at once, {limit} are allowed")
    for workflow_id, limit in RUN_LIMITS.items():
        # Their steps come one after the other: as many attempts, as many runs.
        most = most_at_once(_spans(run for run in runs if run.workflow_id == workflow_id))
        if most > limit:
            yield _broken("", f"{most} runs of {workflow_id} ran at once, {limit} are allowed")


def _spans(runs: Iterable[RunFacts]) -> Iterator[Span]:
    for run in runs:
        for step in run.steps:
            yield from ((each.started_at, each.ended_at) for each in step.attempts)


def _exclusive(runs: Sequence[RunFacts]) -> Iterator[Finding]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for run in runs:
        if run.workflow_id in EXCLUSIVE and run.created_at and run.ended_at:
            ends = max(run.created_at, run.ended_at - CLOCK_SLACK)
            spans[run.resource_id].append((run.created_at, ends))
    for resource_id, each in spans.items():
        if (most := most_at_once(each)) > 1:
            yield _broken("", f"{most} runs held the resource {resource_id} at once")


def _lost(run: str, text: str) -> Finding:
    return Finding(kind=Kind.LOST, run=run, text=text)


def _doubled(run: str, text: str) -> Finding:
    return Finding(kind=Kind.DOUBLED, run=run, text=text)


def _broken(run: str, text: str) -> Finding:
    return Finding(kind=Kind.BROKEN, run=run, text=text)
