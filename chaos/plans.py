"""What is started, and what is done to whom and when: pure functions of the seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chaos.expectations import EXCLUSIVE, WORKFLOWS

RESOURCES = 6
"""Resource ids that checked runs contend for."""
UNSTEERED = EXCLUSIVE | {"doomed", "overdue"}
"""Workflows whose runs are only started: to cancel them would blur what is to be seen."""


class Act(StrEnum):
    """What a caller does with a run beside starting it."""

    START = "start"
    DOUBLE = "double"
    """Started by two processes at once, with one idempotency key."""
    CANCEL = "cancel"
    RESUME = "cancel and retry"
    RERUN = "rerun"
    MEND = "mend and retry"
    """Waits until the run has failed, mends what is outside, and retries it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run to start."""

    number: int
    workflow_id: str
    act: Act
    at: float
    """Seconds after the beginning."""
    patience: float
    """Seconds between the start and what comes after."""
    value: int
    pace: float
    flaw: float
    fatal: str
    resource_id: str | None


def plan(seed: int, number: int, *, runs: int, seconds: float) -> Plan:
    """Return the plan of one run out of `runs` that are started within `seconds`."""
    rand = random.Random(f"{seed}/plan/{number}")
    workflow_id = rand.choice(sorted(WORKFLOWS))
    return Plan(
        number=number,
        workflow_id=workflow_id,
        act=_act(workflow_id, rand),
        at=seconds * number / runs,
        patience=rand.uniform(0.05, 1.5),
        value=rand.randrange(1_000_000),
        pace=rand.choice((0.02, 0.1, 0.1, 0.3, 0.8)),
        flaw=0.3 if workflow_id == "flaky" else rand.choice((0.0, 0.0, 0.05)),
        fatal=_fatal(workflow_id, rand),
        resource_id=f"resource-{rand.randrange(RESOURCES)}" if workflow_id in EXCLUSIVE else None,
    )


def _act(workflow_id: str, rand: random.Random) -> Act:
    if workflow_id == "mended":
        return Act.MEND
    if workflow_id in UNSTEERED:
        return rand.choice((Act.START, Act.DOUBLE))
    acts = (Act.START, Act.DOUBLE, Act.CANCEL, Act.RESUME, Act.RERUN)
    return rand.choices(acts, weights=(60, 15, 8, 12, 5))[0]


def _fatal(workflow_id: str, rand: random.Random) -> str:
    if workflow_id == "doomed":
        return "hopeless"
    return "weak" if workflow_id == "tolerant" and rand.random() < 0.5 else ""  # noqa: PLR2004


class Blow(StrEnum):
    """What is done to the machinery."""

    KILL_CHILD = "kill child"
    """SIGKILL one pool process, or the whole worker where the pool has none."""
    KILL_MAIN = "kill main process"
    """SIGKILL a worker's main process alone; its children are orphans."""
    KILL_WORKER = "kill worker"
    """SIGKILL a worker with all its children, as a power cut does."""
    KILL_STARTER = "kill starter"
    """SIGKILL a process that starts runs."""
    STALL = "stall"
    """SIGSTOP a whole worker, SIGCONT it after its leases have ended."""
    FLUSH = "flush"
    """Throw away all the broker's waiting messages."""
    RESTART_BROKER = "restart broker"
    RESTART_DATABASE = "restart database"
    CRASH_DATABASE = "crash database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A blow and its time, in seconds after the beginning."""

    at: float
    blow: Blow


OUTAGES = (
    (0.30, Blow.FLUSH),
    (0.45, Blow.RESTART_BROKER),
    (0.62, Blow.RESTART_DATABASE),
    (0.80, Blow.CRASH_DATABASE),
)
STALLS = (0.15, 0.52, 0.9)
KILLS = (Blow.KILL_CHILD, Blow.KILL_WORKER, Blow.KILL_MAIN, Blow.KILL_STARTER)
WEIGHTS = (55, 25, 12, 8)


def strikes(seed: int, seconds: float, *, every: float = 2.5) -> Sequence[Strike]:
    """Return the blows of a run in order: a kill every few seconds, each outage once."""
    rand = random.Random(f"{seed}/strikes")
    found = [Strike(at=seconds * share, blow=blow) for share, blow in OUTAGES]
    found += [Strike(at=seconds * share, blow=Blow.STALL) for share in STALLS]
    at = every
    while at < seconds:
        found.append(Strike(at=at, blow=rand.choices(KILLS, weights=WEIGHTS)[0]))
        at += every * rand.uniform(0.5, 1.5)
    return sorted(found, key=lambda each: each.at)
