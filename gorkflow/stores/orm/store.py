"""The workflow store on Django models: one short transaction for each intent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.db import IntegrityError, connections, router, transaction
from django.db.models import F

from gorkflow.dispatch.base import Hint
from gorkflow.errors import ConcurrencyLimitError, InvalidStateError, NotFoundError
from gorkflow.models import (
    DefinitionSnapshot,
    RunState,
    StepAttempt,
    StepExecution,
    WorkflowRun,
)
from gorkflow.models.fields import JsonText, PayloadText
from gorkflow.records import (
    AttemptRecord,
    ErrorInfo,
    RunFilter,
    RunPage,
    RunRecord,
    StepRecord,
)
from gorkflow.statuses import ACTIVE_RUNS, LIVE_STEPS, RunStatus, StepStatus
from gorkflow.stores.base import (
    Claim,
    Finish,
    Finished,
    Loaded,
    NewRun,
    Restart,
    Swept,
    Taker,
    WorkflowStore,
)
from gorkflow.stores.orm import finishing, listing, sweeping
from gorkflow.stores.orm.claiming import (
    claim_any,
    insert_steps,
    lock_admissions,
    lock_run,
    wake,
)
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.rows import (
    RUN_COLUMNS,
    attempt_record,
    count_steps,
    run_record,
    step_record,
)
from gorkflow.stores.orm.transactions import retrying, write_transaction


class DjangoStore(WorkflowStore):
    """Keeps runs in the host's database.

    Args:
        using: the database alias; None asks the routers where WorkflowRun is written. The engine
            reads there too: a replica may lag behind what it has just written.

    """

    def __init__(self, using: str | None = None) -> None:
        self._using = using
        self._local = threading.local()

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
        own = not connections[self.using].in_atomic_block
        self._local.own_transaction = own
        try:
            with write_transaction(self.using):
                yield
        finally:
            self._local.own_transaction = False

    def release(self) -> None:
        """Close this thread's connection."""
        connections[self.using].close()

    def _shared(self) -> bool:
        if getattr(self._local, "own_transaction", False):
            return True
        return not connections[self.using].in_atomic_block

    def create_run(self, new: NewRun) -> tuple[RunRecord, bool]:
        """Insert a run and its first step rows in the caller's transaction."""
        return retrying(lambda: self._create_run(new), self.using)

    def _create_run(self, new: NewRun) -> tuple[RunRecord, bool]:
        using = self.using
        with write_transaction(using):
            self._store_snapshot(new)
            try:
                # A savepoint, so that the caller's transaction survives a conflict.
                with transaction.atomic(using=using):
                    _run_row(new).save(using=using, force_insert=True)
            except IntegrityError:
                return self._existing(new), False
            insert_steps(new.id, new.steps, using)
            run = WorkflowRun.objects.using(using).only(*RUN_COLUMNS).get(pk=new.id)
            return run_record(run), True

    def _store_snapshot(self, new: NewRun) -> None:
        snapshots = DefinitionSnapshot.objects.using(self.using)
        if snapshots.filter(pk=new.fingerprint).exists():
            return
        snapshot = DefinitionSnapshot(
            fingerprint=new.fingerprint,
            workflow_id=new.workflow_id,
            workflow_version=new.workflow_version,
            graph=JsonText(new.graph),
            created_at=DatabaseTime(),
        )
        snapshots.bulk_create([snapshot], ignore_conflicts=True)

    def _existing(self, new: NewRun) -> RunRecord:
        """Return the run whose idempotency key this is, or say who holds the resource."""
        runs = WorkflowRun.objects.using(self.using).only(*RUN_COLUMNS)
        if new.idempotency_key is not None:
            known = runs.filter(
                workflow_id=new.workflow_id, idempotency_key=new.idempotency_key
            ).first()
            if known is not None:
                return self._record(known)
        self._refuse_held_key(new.concurrency_key, new.resource_id)
        # The run that was in the way has ended meanwhile; the caller may simply try again.
        raise ConcurrencyLimitError(
            f"the resource {new.resource_id!r} was held a moment ago", resource_id=new.resource_id
        )

    def _refuse_held_key(self, key: str | None, resource_id: str) -> None:
        if key is None:
            return
        holder = WorkflowRun.objects.using(self.using).filter(active_key=key)
        holder_id = holder.values_list("id", flat=True).first()
        if holder_id is not None:
            raise ConcurrencyLimitError(
                f"run {holder_id} holds the resource {resource_id!r}",
                run_id=str(holder_id),
                resource_id=resource_id,
            )

    def _record(self, run: WorkflowRun) -> RunRecord:
        return run_record(run, count_steps([run.id], self.using).get(run.id))

    def get_run(self, run_id: UUID) -> RunRecord:
        """Return one run."""
        runs = WorkflowRun.objects.using(self.using).only(*RUN_COLUMNS)
        run = runs.filter(pk=run_id).first()
        if run is None:
            raise _no_run(run_id)
        return self._record(run)

    def list_runs(self, wanted: RunFilter) -> RunPage:
        """Return one page of runs, newest first, in two queries."""
        return listing.list_runs(wanted, self.using)

    def get_steps(self, run_id: UUID, *, attempts: bool = False) -> list[StepRecord]:
        """Return the step rows by position."""
        rows = StepExecution.objects.using(self.using).without_payloads().filter(run_id=run_id)
        rows = rows.order_by("position", "map_index")
        if not attempts:
            return [step_record(row) for row in rows]
        earlier: dict[int, list[AttemptRecord]] = {}
        found = StepAttempt.objects.using(self.using).filter(step__run_id=run_id)
        for attempt in found.order_by("number"):
            earlier.setdefault(attempt.step_id, []).append(attempt_record(attempt))
        return [step_record(row, earlier.get(row.pk, [])) for row in rows]

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
        return Loaded(
            **(self._load_columns(run_id, columns) if columns else {}),
            outputs=finishing.load_outputs(run_id, outputs, self.using),
            state=self._load_state(run_id) if state else {},
        )

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
        using, shared = self.using, self._shared()

        def act() -> Claim | None:
            with write_transaction(using):
                lock_admissions(run_id, using)
                run = lock_run(run_id, using)
                return None if run is None else claim_any(run, taker, using, shared=shared)

        return retrying(act, using)

    def finish(self, claim: Claim, finish: Finish, taker: Taker | None) -> Finished:
        """Apply a finish and claim the next step."""
        using, shared = self.using, self._shared()

        def act() -> Finished:
            with write_transaction(using):
                return finishing.finish_step(claim, finish, taker, using, shared=shared)

        return retrying(act, using)

    def heartbeat(self, beats: Mapping[UUID, tuple[float, str] | None], lease: float) -> set[UUID]:
        """Renew leases by token."""
        held = StepExecution.objects.using(self.using).held()
        due_at = DatabaseTime(lease)
        for token, progress in beats.items():
            if progress is not None:
                fraction, note = progress
                held.filter(token=token).update(progress=fraction, progress_note=note)
        mine = held.filter(token__in=list(beats))
        mine.update(due_at=due_at)
        return {token for token in mine.values_list("token", flat=True) if token is not None}

    def end_run(self, run_id: UUID, status: RunStatus, error: ErrorInfo) -> Sequence[Hint]:
        """End an active run with every unfinished step."""
        using = self.using

        def act() -> Sequence[Hint]:
            with write_transaction(using):
                run = lock_run(run_id, using)
                if run is None:
                    raise _no_run(run_id)
                if run.status not in ACTIVE_RUNS:
                    raise InvalidStateError(
                        f"run {run_id} is {run.status}",
                        run_id=str(run_id),
                        status=RunStatus(run.status),
                    )
                finishing.close_run(run, status, error, LIVE_STEPS, using=using)
                return wake(run, using)

        return retrying(act, using)

    def restart(
        self, run_id: UUID, decide: Callable[[RunRecord, Sequence[StepRecord]], Restart]
    ) -> RunRecord:
        """Make an ended run PENDING again."""

        def act() -> RunRecord:
            with write_transaction(self.using):
                return self._restart(run_id, decide)

        return retrying(act, self.using)

    def _restart(
        self, run_id: UUID, decide: Callable[[RunRecord, Sequence[StepRecord]], Restart]
    ) -> RunRecord:
        using = self.using
        run = lock_run(run_id, using)
        if run is None:
            raise _no_run(run_id)
        rows = list(StepExecution.objects.using(using).without_payloads().filter(run_id=run_id))
        change = decide(self._record(run), [step_record(row) for row in rows])
        self._refuse_held_key(run.concurrency_key, run.resource_id)
        try:
            with transaction.atomic(using=using):
                self._reopen(run, change.open_sinks)
        except IntegrityError:
            # Somebody took the resource between the look and the write.
            raise ConcurrencyLimitError(
                f"the resource {run.resource_id!r} is held", resource_id=run.resource_id
            ) from None
        _reset_steps([row for row in rows if row.step_id in change.reset], change.reset, using)
        insert_steps(run_id, change.inserts, using)
        return self.get_run(run_id)

    def _reopen(self, run: WorkflowRun, open_sinks: int) -> None:
        WorkflowRun.objects.using(self.using).filter(pk=run.pk).update(
            status=RunStatus.PENDING,
            error=None,
            ended_at=None,
            active_key=F("concurrency_key"),
            open_sinks=open_sinks,
            deadline_at=None if run.timeout is None else DatabaseTime(run.timeout),
        )

    def sweep(self, *, limit: int, resend_after: float) -> Swept:
        """Find what nobody is working on."""
        return retrying(lambda: sweeping.sweep(limit, resend_after, self.using), self.using)

    def prune(self, *, older_than: float, statuses: Sequence[RunStatus], limit: int) -> int:
        """Delete a batch of ended runs."""
        return retrying(lambda: sweeping.prune(older_than, statuses, limit, self.using), self.using)


def _no_run(run_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no run {run_id}", run_id=str(run_id))


def _run_row(new: NewRun) -> WorkflowRun:
    return WorkflowRun(
        id=new.id,
        workflow_id=new.workflow_id,
        workflow_version=new.workflow_version,
        definition_id=new.fingerprint,
        status=RunStatus.PENDING,
        priority=new.priority,
        resource_id=new.resource_id,
        idempotency_key=new.idempotency_key,
        concurrency_key=new.concurrency_key,
        active_key=new.concurrency_key,
        tags=dict(new.tags),
        input=JsonText(new.input),
        context=None if new.context is None else JsonText(new.context),
        started_by=new.started_by,
        rerun_of_id=new.rerun_of,
        total_steps=new.total_steps,
        open_sinks=new.sinks,
        step_limit=new.step_limit,
        run_limit=new.run_limit,
        timeout=new.timeout,
        created_at=DatabaseTime(),
        deadline_at=None if new.timeout is None else DatabaseTime(new.timeout),
    )


def _reset_steps(rows: Sequence[StepExecution], pending: Mapping[str, int], using: str) -> None:
    begun = [row for row in rows if row.attempt > 0]
    finishing.record_attempts(begun, using)
    steps = StepExecution.objects.using(using)
    for row in rows:
        waits_for = pending[row.step_id]
        steps.filter(pk=row.pk).update(
            status=StepStatus.PENDING,
            pending=waits_for,
            error=None,
            failures=0,
            crashes=0,
            started_at=None,
            ended_at=None,
            due_at=None if waits_for else DatabaseTime(),
            ready_at=None if waits_for else DatabaseTime(),
        )
