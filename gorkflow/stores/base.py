"""The contract of a workflow store: fourteen intents, each one atomic transition or one read.

The engine decides with the pure planner and a store applies what was decided. A store keeps the
time: every due time, lease and deadline is a number of seconds that it adds to its own clock, but
for a `run_at`, so the clocks of workers do not matter. Stores return copies. The suite that a
store has to pass is `gorkflow.testing.contracts.StoreContract`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

from gorkflow.dispatch.base import Hint
from gorkflow.queries import RunFilter, RunPage, RunStats
from gorkflow.records import (
    ErrorInfo,
    EventRecord,
    RunRecord,
    StepRecord,
)
from gorkflow.statuses import RunStatus
from gorkflow.stores.moves import (
    Candidate,
    Claim,
    Finish,
    Finished,
    Lease,
    Loaded,
    NewEvent,
    NewRun,
    NewStep,
    Restart,
    StepOutput,
    Swept,
    Taker,
)

__all__ = [
    "Candidate",
    "Claim",
    "Finish",
    "Finished",
    "Lease",
    "Loaded",
    "NewEvent",
    "NewRun",
    "NewStep",
    "Restart",
    "StepOutput",
    "Swept",
    "Taker",
    "WorkflowStore",
]


class WorkflowStore(ABC):
    """Where runs live."""

    @abstractmethod
    def create_run(self, new: NewRun) -> tuple[RunRecord, bool]:
        """Insert a run and its first step rows in the caller's transaction.

        Returns the run and whether it is new: with a known idempotency key the first run is
        returned unchanged. With `run_at` the first steps are due then and have no `ready_at`: until
        it comes the run is in nobody's way but holds its concurrency key.

        Raises:
            ConcurrencyLimitError: an active run holds the concurrency key.

        """

    def begin_run(self, new: NewRun, taker: Taker) -> tuple[RunRecord, Claim] | None:  # noqa: ARG002
        """Insert a run whose first step is the taker's at once: `create_run` and `claim` in one.

        Returns None where the store does not do that; nothing is changed then. This one never does.
        """
        return None

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
        first, of those that have a due step.
        """

    @abstractmethod
    def finish(self, claim: Claim, finish: Finish, taker: Taker | None) -> Finished:
        """Apply a finish in one transaction, and claim the next ready step for `taker` in it.

        The claim's token is the fence: if the row no longer carries it nothing is changed.
        Calling it again after an unsure commit, with the same taker, is safe and reports what was
        committed and claimed. A finish that gives its step back (PENDING) claims nothing.
        """

    @abstractmethod
    def heartbeat(
        self, beats: Mapping[Lease, tuple[float, str] | None], seconds: float
    ) -> set[Lease]:
        """Renew leases, storing progress and note where given; return those still held."""

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
    def sweep(self, *, limit: int, resend_after: float, ahead: float = 0.0) -> Swept:
        """Find, in bounded time, what nobody is working on. Harmless to run twice at once.

        Retries and the first steps of runs that were put off are told of once they are due, what
        else is due `resend_after` seconds later. What has been told of is ready.
        """

    @abstractmethod
    def prune(self, *, older_than: float, statuses: Sequence[RunStatus], limit: int) -> int:
        """Delete up to `limit` runs that ended so, over `older_than` seconds ago; count them.

        Each goes with all that belongs to it, or stays: while a step of it still runs, or somebody
        retries it or prunes it at this moment. 0 means that nothing was left to delete.
        """

    def transaction(self) -> AbstractContextManager[Any]:
        """Return the transaction that an atomic step's handler and its finish share, or refuse."""
        raise NotImplementedError(f"{type(self).__name__} has no transactions for atomic steps")

    def transaction_seconds(self) -> float | None:
        """Return the seconds after which an atomic step's handler is ended; None for no limit."""
        return None

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
