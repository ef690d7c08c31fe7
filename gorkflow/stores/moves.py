"""What goes into a workflow store and comes out of it, beside the records that users see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from gorkflow.dispatch.base import Hint
from gorkflow.records import (
    ErrorInfo,
    Json,
)
from gorkflow.statuses import ACTIVE_RUNS, ActKind, RunStatus, StepStatus
from gorkflow.values import value


@value
class NewStep:
    """A step row to insert as PENDING."""

    step_id: str
    position: int
    queue: str
    pending: int = 0
    """Parents that are not over; 0 means ready now."""


@value
class NewEvent:
    """An act to record with a run, in the transaction that does it."""

    kind: ActKind
    actor: str = ""
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@value
class NewRun:
    """Everything `create_run` stores."""

    id: UUID
    workflow_id: str
    workflow_version: str
    fingerprint: str
    graph: Json
    input: Json
    context: Json | None
    resource_id: str = ""
    idempotency_key: str | None = None
    concurrency_key: str | None = None
    """At most one active run holds one key."""
    tags: Mapping[str, str] = field(default_factory=dict)
    priority: int = 5
    started_by: str = ""
    rerun_of: UUID | None = None
    rerun_event: NewEvent | None = None
    """Recorded with the run that `rerun_of` names."""
    total_steps: int
    sinks: int
    step_limit: int | None = None
    """Steps of the run that may run at once."""
    run_limit: int | None = None
    """Runs of the workflow that may run at once."""
    timeout: float | None = None
    """Seconds from now, or from `run_at`, until the run fails with TIMEOUT."""
    run_at: datetime | None = None
    """When its first steps are due, if not now. They are not ready before a sweep tells of them."""
    steps: Sequence[NewStep]

    @property
    def put_off_deadline(self) -> datetime | None:
        """The deadline of a run that has both a `run_at` and a timeout."""
        if self.run_at is None or self.timeout is None:
            return None
        return self.run_at + timedelta(seconds=self.timeout)


@value
class Candidate:
    """A step that could be claimed, shown to the worker before it commits to it."""

    run_id: UUID
    step_id: str
    workflow_id: str
    workflow_version: str
    fingerprint: str


class Lease(NamedTuple):
    """What a heartbeat renews."""

    row_id: int
    token: UUID


@value
class Claim:
    """A step that is the caller's until its lease ends."""

    run_id: UUID
    step_id: str
    map_index: int = 0
    row_id: int
    """The store's own key of the step row."""
    token: UUID
    attempt: int
    failures: int
    crashes: int
    queue: str
    priority: int
    workflow_id: str
    workflow_version: str
    fingerprint: str
    shared: bool
    """Whether other connections can see the claim; False inside a caller's open transaction."""
    started_run: bool = False
    """Whether this claim took the run from PENDING to RUNNING."""
    run_input: Json | None = None
    """The run's input, where the store has read it in passing."""
    more: bool = False
    """Whether another step of the run was due on the taker's queue when `claim` took this one."""

    @property
    def lease(self) -> Lease:
        """What keeps the step the caller's."""
        return Lease(self.row_id, self.token)


@value
class Taker:
    """Who claims, and what it can run."""

    token: UUID
    """The lease token that a claim gets; fresh for every call."""
    worker: str
    lease: float
    """Seconds."""
    queue: str | None
    """Only steps of this queue; None for any."""
    refuse: Callable[[Candidate], str]
    """Why this process leaves the step alone, or "". Kept as its progress note until a claim."""
    known: frozenset[tuple[str, str, str]] = frozenset()
    """Workflow id, version and fingerprint of graphs of which no step would be refused, so
    that a store need not ask."""

    def knows(self, claim: Claim) -> bool:
        """Tell whether no step of the claim's run would be refused."""
        return (claim.workflow_id, claim.workflow_version, claim.fingerprint) in self.known


@value
class StepOutput:
    """What another step, or the run's output, may see of a step that is over."""

    status: StepStatus
    output: Json | None


@value
class Finish:
    """What becomes of a claimed step and of what waits for it, as the planner decided.

    A store applies `finish.for_run(status)`, with the status of the locked run.
    """

    status: StepStatus
    """COMPLETED, SKIPPED, FAILED, or RETRYING with `retry_in`; PENDING gives the claim back."""
    output: Json | None = None
    state: Mapping[str, Json | None] = field(default_factory=dict)
    """Run state to store; None deletes a key."""
    error: ErrorInfo | None = None
    failures: int = 0
    crashes: int = 0
    retry_in: float = 0.0
    """Seconds until a RETRYING step is due."""
    inserts: Sequence[NewStep] = ()
    """Successors with this one parent: ready at once."""
    joins: Sequence[str] = ()
    """Successors with several parents: counted down, ready at zero."""
    is_sink: bool = False
    """Counts the run's open sinks down; at zero the run is COMPLETED."""
    output_sources: Sequence[str] = ()
    """Steps whose outputs `run_output` needs."""
    run_output: Callable[[Mapping[str, StepOutput]], Json | None] | None = None
    """Builds the run's output from those, inside the transaction; pure."""
    run_error: ErrorInfo | None = None
    """Fails the run."""
    only_expired: bool = False
    """Apply only if the lease has ended: the step is taken from a worker that seems lost."""

    def for_run(self, status: RunStatus) -> Finish:
        """Return what applies while the run has this status.

        In a run that has ended a step keeps its result, but nothing follows from it.
        """
        if status in ACTIVE_RUNS:
            return self
        ends = {StepStatus.RETRYING: StepStatus.FAILED, StepStatus.PENDING: StepStatus.CANCELLED}
        return replace(
            self,
            status=ends.get(self.status, self.status),
            inserts=(),
            joins=(),
            is_sink=False,
            run_error=None,
        )


@value
class Finished:
    """What a finish did."""

    accepted: bool
    """False: the step is somebody else's by now, or cancelled; the result was dropped."""
    status: StepStatus | None = None
    """What the step is now, where it was accepted: what the finish asked for or, in a run that
    has ended or after a commit that nobody heard of, what had been stored."""
    run_status: RunStatus | None = None
    """The run's status afterwards, where the step was accepted."""
    ended_run: bool = False
    """Whether this finish ended the run."""
    ended_at: datetime | None = None
    """When it did, where the store learns that in passing."""
    claim: Claim | None = None
    """The next step, already claimed for the same taker."""
    ready: Sequence[str] = ()
    """The queues of steps that this finish made ready and did not claim, one entry a step."""
    wake: Sequence[Hint] = ()
    """Other runs that may start now because this one ended."""


@value
class Loaded:
    """Payloads of a run, as asked for."""

    input: Json = "null"
    output: Json | None = None
    context: Json | None = None
    graph: Json = "[]"
    outputs: Mapping[str, StepOutput] = field(default_factory=dict)
    """By step id; steps that are not over are missing."""
    state: Mapping[str, Json] = field(default_factory=dict)


@value
class Restart:
    """What `retry` changes, decided by the planner from the locked rows."""

    reset: Mapping[str, int]
    """Step rows that become PENDING again, with the number of parents they wait for."""
    inserts: Sequence[NewStep]
    open_sinks: int
    event: NewEvent | None = None


@value
class Swept:
    """What a sweep found; nothing in it has been executed."""

    hints: Sequence[Hint] = ()
    """One per step that waits for a worker; not listed again for `resend_after` seconds."""
    expired: Sequence[Claim] = ()
    """Steps whose lease has ended, to be finished as lost."""
    overdue: Sequence[UUID] = ()
    """Runs past their deadline, to be failed with TIMEOUT."""
    next_end: float | None = None
    """Seconds until the first of the leases ends that do so within `ahead` seconds, if nobody
    renews it."""
