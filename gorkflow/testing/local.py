"""An engine for tests: everything in this thread, nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from gorkflow.config import EngineConfig
from gorkflow.definition.binding import using_engine
from gorkflow.definition.registry import Registry, registry
from gorkflow.definition.workflow import Workflow
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.errors import WaitTimeoutError
from gorkflow.queries import RunFilter
from gorkflow.statuses import ACTIVE_RUNS
from gorkflow.stores.memory import MemoryStore
from gorkflow.testing.clock import VirtualClock


class LocalEngine(Engine):
    """Runs workflows by the same claim and finish code as in production.

    Args:
        workflows: known besides the registered ones; of equal id and version they win.
        config: leases, limits, payload size.
        atomic: opens a transaction for the writes of atomic steps: `django.db.transaction.atomic`.
            Without it a failed attempt's writes stay.

    """

    def __init__(
        self,
        *workflows: Workflow[Any, Any],
        config: EngineConfig | None = None,
        atomic: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self.virtual_clock = _WorkingClock(self)
        self.inbox = InlineDispatcher()
        super().__init__(
            MemoryStore(self.virtual_clock.now, atomic),
            self.inbox,
            registry=_registry_with(workflows),
            config=config,
            clock=self.virtual_clock,
        )

    def drain(self) -> int:
        """Work as all workers together would, until every run has ended or waits for ever.

        The clock jumps over retry delays. Returns the number of attempts made.
        """
        total = idle_rounds = 0
        # Two rounds without an attempt: what is left waits for code or a slot that never comes.
        while idle_rounds < 2 and (self.inbox.hints or self._skip_to_next()):  # noqa: PLR2004
            attempts = self._work_off()
            idle_rounds = 0 if attempts else idle_rounds + 1
            total += attempts
        return total

    def _work_off(self) -> int:
        attempts = 0
        while self.inbox.hints:
            hint = self.inbox.hints.popleft()
            attempts += self.work(hint.run_id, queue=hint.queue)
        return attempts

    def _next_due(self) -> float | None:
        runs = self.list_runs(RunFilter(statuses=ACTIVE_RUNS, limit=1_000_000)).runs
        due = [row.due_at for run in runs for row in self.store.get_steps(run.id) if row.due_at]
        return (min(due) - self.store.now()).total_seconds() if due else None

    def _skip_to_next(self) -> bool:
        """Move the clock to the next due time; False if sweeping there finds nothing to send."""
        wait = self._next_due()
        if wait is None:
            return False
        self.virtual_clock.advance(max(0.0, wait))
        # A step that is due and was not taken has lost its message: a sweep later it is sent.
        if not self.sweep():
            self.virtual_clock.advance(self.config.resend_after)
            self.sweep()
        return bool(self.inbox.hints)


class _WorkingClock(VirtualClock):
    """While somebody waits (`run.wait()`), the work gets done."""

    def __init__(self, engine: LocalEngine) -> None:
        super().__init__()
        self._engine = engine
        self._working = False

    def sleep(self, seconds: float) -> None:
        """Work off what there is; raise WaitTimeoutError if that is nothing: it would never end."""
        if not self._working:
            self._working = True
            try:
                if self._engine.drain() == 0:
                    raise WaitTimeoutError("nothing is left that this engine could work on")
            finally:
                self._working = False
        super().sleep(seconds)


def _registry_with(workflows: tuple[Workflow[Any, Any], ...]) -> Registry:
    mine = {(workflow.id, workflow.version) for workflow in workflows}
    known = Registry()
    for workflow_id in [workflow.id for workflow in registry]:
        for version in registry.versions(workflow_id):
            if (workflow_id, version) not in mine:
                known.register(registry.get(workflow_id, version))
    for workflow in workflows:
        known.register(workflow)
    return known


@contextmanager
def local_engine(
    *workflows: Workflow[Any, Any],
    config: EngineConfig | None = None,
    atomic: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Iterator[LocalEngine]:
    """Let every `workflow.start()` inside the `with` block run on a fresh LocalEngine.

    Example:
        with local_engine(fulfil) as engine:
            run = fulfil.start(order)
            engine.drain()
            assert run.refresh().output == expected

    """
    engine = LocalEngine(*workflows, config=config, atomic=atomic)
    with using_engine(engine):
        yield engine
