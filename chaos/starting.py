"""What a caller does: starts a run by its plan, tries again if the database is away, steers it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connections

from chaos.journal import STARTS, note
from chaos.plans import Act, Plan
from chaos.workflows import Task, mend
from gorkflow import Run, RunStatus, StartOptions
from gorkflow.errors import ConcurrencyLimitError, InvalidStateError
from gorkflow.wiring import get_engine

PATIENCE = 120.0
PAUSE = 0.2

T = TypeVar("T")


class GaveUpError(Exception):
    """What was wanted did not happen in time."""


@dataclass
class Caller:
    """Carries out one plan and journals what came of it."""

    name: str
    seed: int
    refusals: int = 0
    """How often the database was away."""

    def perform(self, plan: Plan) -> None:
        """Carry out one plan; whatever goes wrong is journalled as trouble."""
        entry: dict[str, Any] = {"number": plan.number, "starter": self.name}
        try:
            entry |= self._perform(plan)
        except Exception as error:  # noqa: BLE001  the ledger lists it as a finding
            entry["trouble"] = f"{type(error).__name__}: {error}"
        finally:
            connections.close_all()
        note(STARTS, **entry, refusals=self.refusals)

    def _perform(self, plan: Plan) -> dict[str, Any]:
        run_id = self._start(plan).id
        entry: dict[str, Any] = {"run": str(run_id)}
        time.sleep(plan.patience)
        if plan.act is Act.CANCEL:
            entry["cancelled"] = self._cancel(run_id)
        elif plan.act is Act.RESUME and self._cancel(run_id) == RunStatus.CANCELLED:
            self._retry(run_id)
        elif plan.act is Act.MEND:
            self._mend(run_id, plan.number)
        elif plan.act is Act.RERUN:
            entry["rerun"] = str(self._persist(lambda: get_engine().rerun(run_id)).id)
        return entry

    def _start(self, plan: Plan) -> Run[Any]:
        options = StartOptions(
            idempotency_key=f"chaos-{self.seed}-{plan.number}",
            resource_id=plan.resource_id,
            concurrency_check=plan.resource_id is not None,
            tags={"act": plan.act.value},
        )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self._persist(
                    lambda: get_engine().start(
                        plan.workflow_id, Task(**run_input(plan, self.seed)), options
                    )
                )
            except ConcurrencyLimitError:
                # As it should be while another run holds the resource: later, then.
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE)

    def _cancel(self, run_id: UUID) -> str:
        """Cancel the run, or find how it has ended already; return its status."""
        try:
            return self._persist(lambda: get_engine().cancel(run_id)).status
        except InvalidStateError as error:
            return str(error.data["status"])

    def _retry(self, run_id: UUID) -> None:
        try:
            self._persist(lambda: get_engine().retry(run_id))
        except InvalidStateError:
            # The try before, whose answer was lost, had gone through.
            return

    def _mend(self, run_id: UUID, number: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._persist(lambda: get_engine().get_run(run_id)).status.is_terminal:
            if time.monotonic() > deadline:
                raise GaveUpError(f"run {run_id} did not fail in time")
            time.sleep(PAUSE)
        mend(number)
        self._retry(run_id)

    def _persist(self, act: Callable[[], T]) -> T:
        """Do something, again while the database is away; other errors pass through."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return act()
            except DatabaseError:
                self.refusals += 1
                if time.monotonic() > deadline:
                    raise
                connections.close_all()
                time.sleep(PAUSE)


def run_input(plan: Plan, seed: int) -> dict[str, Any]:
    """Return the input of a planned run, as JSON data."""
    return {
        "number": plan.number,
        "seed": seed,
        "value": plan.value,
        "pace": plan.pace,
        "flaw": plan.flaw,
        "fatal": plan.fatal,
    }
