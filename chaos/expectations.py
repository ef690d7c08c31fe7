"""What a run has to end with, worked out by plain functions from its input alone.

Nothing here knows the engine. `mix` is all that a handler computes; the graph of each workflow is
spelt out a second time, as a function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

Value = int | dict[str, int]

BRANCHES = tuple(f"branch-{number}" for number in range(5))
MANY = tuple(f"item-{number}" for number in range(12))
COUNTED = tuple(f"count-{number}" for number in range(6))


def mix(step_id: str, *values: int) -> int:
    """Return the value that a step makes of its inputs."""
    total = sum((i + 1) * value for i, value in enumerate(values))
    return (total * 31 + crc32(step_id.encode())) % 1_000_003


def chain(step_ids: tuple[str, ...], value: int) -> int:
    """Return what a chain of steps makes of a value."""
    for step_id in step_ids:
        value = mix(step_id, value)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a run that nobody cancels ends with."""

    status: str = "COMPLETED"
    value: Value | None = None
    skipped: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    """Steps that fail for good."""


def of_run(workflow_id: str, task: Mapping[str, Any]) -> Expected:
    """Return what a run has to end with.

    Args:
        workflow_id: one of `WORKFLOWS`.
        task: the run's input, as JSON.

    """
    return WORKFLOWS[workflow_id](task)


def _chain(task: Mapping[str, Any]) -> Expected:
    return Expected(value=chain(("enter", "cut", "book", "polish", "pack"), task["value"]))


def _fan(task: Mapping[str, Any]) -> Expected:
    entered = mix("enter", task["value"])
    gathered = mix("gather", *(mix(branch, entered) for branch in BRANCHES))
    return Expected(value=mix("book", gathered))


def _wide(task: Mapping[str, Any]) -> Expected:
    entered = mix("enter", task["value"])
    return Expected(value=mix("gather", *(mix(item, entered) for item in MANY)))


def _choice(task: Mapping[str, Any]) -> Expected:
    value = mix("enter", task["value"])
    is_even = task["value"] % 2 == 0
    value = mix("if-even" if is_even else "if-odd", value)
    return Expected(
        value=mix("pack", value), skipped=frozenset({"if-odd" if is_even else "if-even"})
    )


def _tolerant(task: Mapping[str, Any]) -> Expected:
    entered = mix("enter", task["value"])
    is_lost = task["fatal"] == "weak"
    weak = 0 if is_lost else mix("weak", entered)
    return Expected(
        value=mix("gather", mix("strong", entered), weak),
        failed=frozenset({"weak"} if is_lost else ()),
    )


def _bookings(task: Mapping[str, Any]) -> Expected:
    entered = mix("open", task["value"])
    lines = (mix(line, entered) for line in ("line-0", "line-1", "line-2"))
    return Expected(value=mix("close", mix("total", *lines)))


def _counted(task: Mapping[str, Any]) -> Expected:
    return Expected(value=task["value"] + len(COUNTED))


def _sinks(task: Mapping[str, Any]) -> Expected:
    return Expected(value={name: mix(name, task["value"]) for name in ("left", "right")})


def _short(task: Mapping[str, Any]) -> Expected:
    return Expected(value=chain(("enter", "work"), task["value"]))


def _overdue(_task: Mapping[str, Any]) -> Expected:
    return Expected(status="FAILED")


def _mended(task: Mapping[str, Any]) -> Expected:
    return Expected(value=chain(("enter", "book", "brittle", "pack"), task["value"]))


def _doomed(_task: Mapping[str, Any]) -> Expected:
    return Expected(status="FAILED", failed=frozenset({"hopeless"}))


WORKFLOWS: Mapping[str, Callable[[Mapping[str, Any]], Expected]] = {
    "chain": _chain,
    "flaky": _chain,
    "fan": _fan,
    "wide": _wide,
    "choice": _choice,
    "tolerant": _tolerant,
    "bookings": _bookings,
    "counted": _counted,
    "sinks": _sinks,
    "limited": _short,
    "exclusive": _short,
    "coroutines": _short,
    "timed": _short,
    "overdue": _overdue,
    "mended": _mended,
    "doomed": _doomed,
}
STEP_LIMITS: Mapping[str, int] = {"wide": 3}
"""Steps of one run that may run at once."""
RUN_LIMITS: Mapping[str, int] = {"limited": 3}
"""Runs that may run at once."""
EXCLUSIVE = frozenset({"exclusive"})
"""One run at a time for each resource id."""
