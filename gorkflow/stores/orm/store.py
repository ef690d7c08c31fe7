"""The workflow store on Django models: one short transaction for each intent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.db import connections, router

from gorkflow.dispatch.base import Hint
from gorkflow.errors import InvalidStateError, NotFoundError
from gorkflow.faults import FaultPoint, reach
from gorkflow.models import (
    RunState,
    StepAttempt,
    StepExecution,
    WorkflowRun,
)
from gorkflow.models.fields import PayloadText
from gorkflow.queries import RunFilter, RunPage, RunStats
from gorkflow.records import (
    AttemptRecord,
    ErrorInfo,
    EventRecord,
    RunRecord,
    StepRecord,
)
from gorkflow.statuses import ACTIVE_RUNS, LIVE_STEPS, RunStatus
from gorkflow.stores.base import (
    Claim,
    Finish,
    Finished,
    Lease,
    Loaded,
    NewEvent,
    NewRun,
    Restart,
    Swept,
    Taker,
    WorkflowStore,
)
from gorkflow.stores.orm import (
    creating,
    events,
    finishing,
    listing,
    pruning,
    renewing,
    restarting,
    sweeping,
)
from gorkflow.stores.orm.claiming import (
    claim_any,
    held_by,
    is_overdue,
    lock_admissions,
    lock_run,
    wake,
)
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.guarding import Guard
from gorkflow.stores.orm.hot import FastPath, hot_path
from gorkflow.stores.orm.keeping import close_kept, kept_connection
from gorkflow.stores.orm.rows import (
    RUN_COLUMNS,
    attempt_record,
    counted_record,
    error_from,
    step_record,
    with_run_at,
)
from gorkflow.stores.orm.transactions import (
    FINISH_SECONDS,
    TRANSIENT,
    drop_interrupted,
    retrying,
    write_transaction,
)


class DjangoStore(WorkflowStore):
    """Keeps runs in the host's database.

    Args:
        using: the database alias; None asks the routers where WorkflowRun is written. The engine
            reads there too: a replica may lag behind what it has just written.
        portable: whether to do without the statements that are made for one kind of database.

    """

    def __init__(self, using: str | None = None, *, portable: bool = False) -> None:
        self._using = using
        self._portable = portable

    @property
    def using(self) -> str:
        """The database alias."""
        return self._using or router.db_for_write(WorkflowRun)

    def now(self) -> datetime:
        """Return the database's time."""
        # Any table would do; this one has a row per graph at most and PostgreSQL needs none.
        with connections[self.using].cursor() as cursor:
            compiler = WorkflowRun.objects.using(self.using).query.get_compiler(self.using)
            sql, params = compiler.compile(DatabaseTime())
            cursor.execute(f"SELECT {sql}", params)
            value = cursor.fetchone()[0]
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        return cast("datetime", value if value.tzinfo else value.replace(tzinfo=UTC))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Open the transaction that an atomic step's handler and finish share."""
        with write_transaction(self.using):
            yield

    def transaction_seconds(self) -> float | None:
        """Return what the database gives a transaction, less the time for storing the result."""
        seconds: float | None = getattr(connections[self.using], "transaction_seconds", None)
        return None if seconds is None else seconds - FINISH_SECONDS

    def around_handler(self) -> AbstractContextManager[None]:
        """Watch over this thread's connections, whatever databases they are to."""
        return Guard()

    def keeping_connection(self) -> AbstractContextManager[None]:
        """Keep this thread's connection from one message to the next."""
        return kept_connection(self.using)

    def is_transient(self, error: BaseException) -> bool:
        """Tell whether the database may take the same a moment later."""
        return isinstance(error, TRANSIENT)

    def after_interrupt(self) -> None:
        """Drop this thread's connections, which may be in the middle of an answer."""
        for connection in connections.all(initialized_only=True):
            drop_interrupted(connection)

    def release(self) -> None:
        """Close this thread's connections."""
        close_kept(self.using)
        connections[self.using].close()

    def _hot(self, connection: Any, again: bool) -> FastPath | None:
        """Return the fast path; after an unsure commit the portable one reads back first."""
        return None if self._portable or again else hot_path(connection)

    def _is_shared(self) -> bool:
        return not connections[self.using].in_atomic_block

    def create_run(self, new: NewRun) -> tuple[RunRecord, bool]:
        """Insert a run and its first step rows in the caller's transaction."""
        using = self.using

        def act(again: bool) -> tuple[RunRecord, bool]:
            hot = self._hot(connection := connections[using], again)
            started = None if hot is None else hot.start(new, None, connection)
            return creating.create_run(new, using) if started is None else (started[0], True)

        return retrying(act, using)

    def begin_run(self, new: NewRun, taker: Taker) -> tuple[RunRecord, Claim] | None:
        """Insert a run and claim its first step, where that is quick."""
        using, shared = self.using, self._is_shared()

        def act(again: bool) -> tuple[RunRecord, Claim] | None:
            hot = self._hot(connection := connections[using], again)
            begun = None if hot is None else hot.start(new, taker, connection)
            if begun is None or begun[1] is None:
                return None
            return begun[0], replace(begun[1], shared=shared)

        return retrying(act, using)

    def get_run(self, run_id: UUID) -> RunRecord:
        """Return one run."""
        return retrying(lambda _again: self._get_run(run_id), self.using)

    def _get_run(self, run_id: UUID) -> RunRecord:
        hot = self._hot(connection := connections[self.using], again=False)
        if hot is not None:
            record = hot.get_run(run_id, connection)
            if record is None:
                raise _no_run(run_id)
            return with_run_at(record, self.using)
        runs = WorkflowRun.objects.using(self.using).only(*RUN_COLUMNS)
        run = runs.filter(pk=run_id).first()
        if run is None:
            raise _no_run(run_id)
        return counted_record(run, self.using)

    def list_runs(self, wanted: RunFilter) -> RunPage:
        """Return one page of runs, newest first, in two queries."""
        return listing.list_runs(wanted, self.using)

    def run_stats(self, wanted: RunFilter) -> RunStats:
        """Return figures on runs."""
        return retrying(lambda _again: listing.run_stats(wanted, self.using), self.using)

    def get_steps(self, run_id: UUID, *, attempts: bool = False) -> list[StepRecord]:
        """Return the step rows by position."""
        return retrying(lambda _again: self._get_steps(run_id, attempts=attempts), self.using)

    def _get_steps(self, run_id: UUID, *, attempts: bool) -> list[StepRecord]:
        rows = StepExecution.objects.using(self.using).without_payloads().filter(run_id=run_id)
        rows = rows.order_by("position", "map_index")
        if not attempts:
            return [step_record(row) for row in rows]
        earlier: dict[int, list[AttemptRecord]] = {}
        found = StepAttempt.objects.using(self.using).filter(step__run_id=run_id)
        for attempt in found.order_by("number"):
            earlier.setdefault(attempt.step_id, []).append(attempt_record(attempt))
        return [step_record(row, earlier.get(row.pk, [])) for row in rows]

    def get_events(self, run_id: UUID) -> list[EventRecord]:
        """Return the recorded acts on a run."""
        return retrying(lambda _again: events.list_events(run_id, self.using), self.using)

    def load(  # noqa: PLR0913  the contract's
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
        """Return the payloads asked for, one query for each table they are in."""
        wanted = {
            "input": PayloadText("input") if run_input else None,
            "output": PayloadText("output") if run_output else None,
            "context": PayloadText("context") if context else None,
            "graph": PayloadText("definition__graph") if graph else None,
        }
        columns = {name: column for name, column in wanted.items() if column is not None}
        step_ids = list(outputs)

        def act(_again: bool) -> Loaded:
            return Loaded(
                **(self._load_columns(run_id, columns) if columns else {}),
                outputs=finishing.load_outputs(run_id, step_ids, self.using),
                state=self._load_state(run_id) if state else {},
            )

        return retrying(act, self.using)

    def _load_columns(self, run_id: UUID, columns: Mapping[str, PayloadText]) -> dict[str, str]:
        aliases = {f"{name}_text": column for name, column in columns.items()}
        runs = WorkflowRun.objects.using(self.using).filter(pk=run_id)
        row: Mapping[str, Any] | None = runs.values(**aliases).first()
        if row is None:
            raise _no_run(run_id)
        return {name: row[f"{name}_text"] for name in columns}

    def _load_state(self, run_id: UUID) -> dict[str, str]:
        rows = RunState.objects.using(self.using).filter(run_id=run_id)
        return dict(rows.values_list("name", PayloadText("value")))

    def claim(self, run_id: UUID, taker: Taker) -> Claim | None:
        """Claim one due step."""
        using, shared = self.using, self._is_shared()

        def act(again: bool) -> Claim | None:
            hot = self._hot(connection := connections[using], again)
            decided = None if hot is None else hot.claim(run_id, taker, connection, shared=shared)
            if decided is not None:
                return decided[0]
            with write_transaction(using):
                lock_admissions(run_id, using)
                run = lock_run(run_id, using)
                if run is None:
                    return None
                mine = held_by(run, taker, using, shared=shared) if again else None
                return mine or claim_any(run, taker, using, shared=shared)

        return retrying(act, using)

    def finish(self, claim: Claim, finish: Finish, taker: Taker | None) -> Finished:
        """Apply a finish and claim the next step."""
        using = self.using

        def act(again: bool) -> Finished:
            hot = self._hot(connection := connections[using], again)
            done: Finished | None = None
            if hot is not None and (done := hot.finish(claim, finish, taker, connection)):
                return done
            with write_transaction(using):
                finished = finishing.finish_step(claim, finish, taker, using)
                reach(FaultPoint.IN_FINISH, claim)
            # After the commit: a run that came meanwhile and was not let in has to be seen.
            if finished.ended_run:
                finished = replace(finished, wake=wake(claim.run_id, using))
            return finished

        return retrying(act, using)

    def heartbeat(
        self, beats: Mapping[Lease, tuple[float, str] | None], seconds: float
    ) -> set[Lease]:
        """Renew leases."""
        return retrying(lambda _again: renewing.renew(beats, seconds, self.using), self.using)

    def end_run(
        self,
        run_id: UUID,
        status: RunStatus,
        error: ErrorInfo,
        *,
        only_overdue: bool = False,
        event: NewEvent | None = None,
    ) -> Sequence[Hint]:
        """End an active run with every unfinished step."""
        using = self.using

        def act(again: bool) -> Sequence[Hint]:
            with write_transaction(using):
                run = lock_run(run_id, using)
                if run is None:
                    raise _no_run(run_id)
                if again and run.status == status and error_from(run.error) == error:
                    return wake(run_id, using)
                if run.status not in ACTIVE_RUNS or (only_overdue and not is_overdue(run, using)):
                    raise InvalidStateError(
                        f"run {run_id} is {run.status}",
                        run_id=str(run_id),
                        status=RunStatus(run.status),
                    )
                finishing.close_run(run, status, error, LIVE_STEPS, using=using)
                events.record_event(run_id, event, using)
            return wake(run_id, using)

        return retrying(act, using)

    def restart(
        self, run_id: UUID, decide: Callable[[RunRecord, Sequence[StepRecord]], Restart]
    ) -> RunRecord:
        """Make an ended run PENDING again."""

        def act(again: bool) -> RunRecord:
            with write_transaction(self.using):
                run = lock_run(run_id, self.using)
                if run is None:
                    raise _no_run(run_id)
                if not (again and run.status in ACTIVE_RUNS):
                    restarting.restart(run, decide, self.using)
                return self._get_run(run_id)

        return retrying(act, self.using)

    def sweep(self, *, limit: int, resend_after: float, ahead: float = 0.0) -> Swept:
        """Find what nobody is working on."""
        return retrying(
            lambda _again: sweeping.sweep(limit, resend_after, ahead, self.using), self.using
        )

    def prune(self, *, older_than: float, statuses: Sequence[RunStatus], limit: int) -> int:
        """Delete a batch of ended runs."""
        return retrying(
            lambda _again: pruning.prune(older_than, statuses, limit, self.using), self.using
        )


def _no_run(run_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no run {run_id}", run_id=str(run_id))
