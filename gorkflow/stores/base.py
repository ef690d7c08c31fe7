"""The contract of a workflow store: fourteen intents, each one atomic transition or one read.

The engine decides with the pure planner and a store applies what was decided. A store keeps the
time: every due time, lease and deadline is a number of seconds that it adds to its own clock, so
the clocks of workers do not matter. Stores return copies. The suite that a store has to pass is
`gorkflow.testing.contracts.StoreContract`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gorkflow.dispatch.base import Hint
from gorkflow.queries import RunFilter, RunPage, RunStats
from gorkflow.records import (
    ErrorInfo,
    EventRecord,
    Json,
    RunRecord,
    StepRecord,
)
from gorkflow.statuses import ACTIVE_RUNS, ActKind, RunStatus, StepStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """A step row to insert as PENDING."""

    step_id: str
    position: int
    queue: str
    pending: int = 0
    """Parents that are not over; 0 means ready now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An act to record with a run, in the transaction that does it."""

    kind: ActKind
    actor: str = ""
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
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
    """Seconds from now until the run fails with TIMEOUT."""
    steps: Sequence[NewStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A step that could be claimed, shown to the worker before it commits to it."""

    run_id: UUID
    step_id: str
    workflow_id: str
    workflow_version: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutput:
    """What another step, or the run's output, may see of a step that is over."""

    status: StepStatus
    output: Json | None


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    claim: Claim | None = None
    """The next step, already claimed for the same taker."""
    ready: Sequence[str] = ()
    """The queues of steps that this finish made ready and did not claim, one entry a step."""
    wake: Sequence[Hint] = ()
    """Other runs that may start now because this one ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Payloads of a run, as asked for."""

    input: Json = "null"
    output: Json | None = None
    context: Json | None = None
    graph: Json = "[]"
    outputs: Mapping[str, StepOutput] = field(default_factory=dict)
    """By step id; steps that are not over are missing."""
    state: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """What `retry` changes, decided by the planner from the locked rows."""

    reset: Mapping[str, int]
    """Step rows that become PENDING again, with the number of parents they wait for."""
    inserts: Sequence[NewStep]
    open_sinks: int
    event: NewEvent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep found; nothing in it has been executed."""

    hints: Sequence[Hint] = ()
    """One per step that waits for a worker; not listed again for `resend_after` seconds."""
    expired: Sequence[Claim] = ()
    """Steps whose lease has ended, to be finished as lost."""
    overdue: Sequence[UUID] = ()
    """Runs past their deadline, to be failed with TIMEOUT."""


class WorkflowStore(ABC):
    """Where runs live."""

    @abstractmethod
    def create_run(self, new: NewRun) -> tuple[RunRecord, bool]:
        """Insert a run and its first step rows in the caller's transaction.

        Returns the run and whether it is new: with a known idempotency key the first run is
        returned unchanged.

        Raises:
            ConcurrencyLimitError: an active run holds the concurrency key.

        """

    @abstractmethod
    def get_run(self, run_id: UUID) -> RunRecord:
        """Return one run. Raises NotFoundError."""

    @abstractmethod
    def list_runs(self, wanted: RunFilter) -> RunPage:
        """Return one page of runs, newest first, in a number of queries that does not grow."""

    @abstractmethod
    def run_stats(self, wanted: RunFilter) -> RunStats:
        """Return figures on all runs that the filter lets through, on as many pages as they are."""

    @abstractmethod
    def get_steps(self, run_id: UUID, *, attempts: bool = False) -> list[StepRecord]:
        """Return the step rows of a run by position; steps not reached yet have no row."""

    @abstractmethod
    def get_events(self, run_id: UUID) -> list[EventRecord]:
        """Return what was recorded with a run, oldest first; nothing of a run there is not."""

    @abstractmethod
    def load(  # noqa: PLR0913  each flag is one payload more to read
        self,
        run_id: UUID,
        *,
        outputs: Iterable[str] = (),
        run_input: bool = False,
        run_output: bool = False,
        context: bool = False,
        graph: bool = False,
        state: bool = False,
    ) -> Loaded:
        """Return payloads of a run, reading only what is asked for. Raises NotFoundError."""

    @abstractmethod
    def claim(self, run_id: UUID, taker: Taker) -> Claim | None:
        """Claim one due step of the run, or return None.

        Only a step whose parents are over, of a run that is active and within its deadline and
        step limit and, for the run's first step, within its workflow's run limit: oldest run
        first.
        """

    @abstractmethod
    def finish(self, claim: Claim, finish: Finish, taker: Taker | None) -> Finished:
        """Apply a finish in one transaction, and claim the next ready step for `taker` in it.

        The claim's token is the fence: if the row no longer carries it nothing is changed.
        Calling it again after an unsure commit, with the same taker, is safe and reports what was
        committed and claimed. A finish that gives its step back (PENDING) claims nothing.
        """

    @abstractmethod
    def heartbeat(self, beats: Mapping[UUID, tuple[float, str] | None], lease: float) -> set[UUID]:
        """Renew leases by token, storing progress and note where given; return those still held."""

    @abstractmethod
    def end_run(
        self,
        run_id: UUID,
        status: RunStatus,
        error: ErrorInfo,
        *,
        only_overdue: bool = False,
        event: NewEvent | None = None,
    ) -> Sequence[Hint]:
        """End an active run at once as CANCELLED or FAILED, with every unfinished step.

        With `only_overdue` a run whose deadline has not passed counts as not to be ended.
        Records the event, if there is one. Returns the runs that may start now.

        Raises:
            NotFoundError: no such run.
            InvalidStateError: the run has ended already, or is in time; names its status.

        """

    @abstractmethod
    def restart(
        self, run_id: UUID, decide: Callable[[RunRecord, Sequence[StepRecord]], Restart]
    ) -> RunRecord:
        """Make an ended run PENDING again; `decide` is called with its locked rows.

        Raises whatever `decide` raises, changing nothing, and ConcurrencyLimitError.
        """

    @abstractmethod
    def sweep(self, *, limit: int, resend_after: float) -> Swept:
        """Find, in bounded time, what nobody is working on. Harmless to run twice at once."""

    @abstractmethod
    def prune(self, *, older_than: float, statuses: Sequence[RunStatus], limit: int) -> int:
        """Delete up to `limit` runs that ended so, over `older_than` seconds ago; count them.

        Each goes with all that belongs to it, or stays: while a step of it still runs, or somebody
        retries it or prunes it at this moment. 0 means that nothing was left to delete.
        """

    def transaction(self) -> AbstractContextManager[Any]:
        """Return a transaction in which an atomic step's handler runs and its finish is applied.

        Stores that cannot share a transaction with the handler's own writes refuse.
        """
        msg = f"{type(self).__name__} has no transactions, so it cannot run atomic steps"
        raise NotImplementedError(msg)

    def around_handler(self) -> AbstractContextManager[Any]:
        """Return what a handler runs in: it puts the thread's connections right afterwards.

        Raises:
            StepError: the handler returned, and left something open that loses what it wrote.

        """
        return nullcontext()

    def keeping_connection(self) -> AbstractContextManager[Any]:
        """Return what a message is worked on in: it may keep a connection for the next message."""
        return nullcontext()

    def is_transient(self, error: BaseException) -> bool:  # noqa: ARG002
        """Tell whether the store may do the same thing a moment later (a lost connection)."""
        return False

    def after_interrupt(self) -> None:  # noqa: B027  most stores have no connection to lose
        """Make the calling thread's connection usable again after a handler was interrupted."""

    def release(self) -> None:  # noqa: B027  most stores hold nothing
        """Give back what the calling thread holds (its connection); called when a thread ends."""

    def now(self) -> datetime:
        """Return the store's own time, in UTC."""
        raise NotImplementedError
