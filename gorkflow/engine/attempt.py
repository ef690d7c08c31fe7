"""One attempt of one step: load its input, call the handler, and say how it went.

Nothing is written here. The outcome goes to the planner, and what the planner decides to the store.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import CoroutineType
from typing import Any, Self

from asgiref.sync import AsyncToSync, async_to_sync

from gorkflow.definition.context import StepContext
from gorkflow.definition.graph import Join, Node
from gorkflow.definition.step import Step
from gorkflow.definition.workflow import Workflow
from gorkflow.engine.failures import code_of, error_info, is_told_to_end
from gorkflow.engine.heartbeat import Beat
from gorkflow.engine.planner import Outcome, join_outputs
from gorkflow.engine.retry import is_retryable
from gorkflow.engine.surroundings import KeptDirectory
from gorkflow.engine.timeout import AttemptTimeout, TimeLimit, time_limit
from gorkflow.errors import ErrorCode, NotFoundError, PayloadError, StepCancelled
from gorkflow.faults import FaultPoint, reach
from gorkflow.log import WORKFLOW_PROGRESS, log
from gorkflow.records import Json
from gorkflow.statuses import DONE_STEPS, StepStatus
from gorkflow.stores.base import Claim, Loaded, StepOutput, WorkflowStore

CACHED_BYTES = 1024 * 1024


@dataclass(slots=True)
class RunCache:
    """What one worker remembers of a run while it works on it; every entry is immutable."""

    outputs: dict[str, StepOutput] = field(default_factory=dict)
    input: Json | None = None
    _bytes: int = 0

    def keep(self, step_id: str, found: StepOutput) -> None:
        """Remember a committed output; one of a failed step may change when the run is retried.

        A cache that is full starts afresh.
        """
        if found.status not in DONE_STEPS:
            return
        self._bytes += len(found.output or "")
        if self._bytes > CACHED_BYTES or len(self.outputs) > 256:  # noqa: PLR2004
            self.outputs.clear()
            self._bytes = len(found.output or "")
        self.outputs[step_id] = found


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What is the same for all the attempts that one worker makes on a run."""

    store: WorkflowStore
    cache: RunCache
    nudge: Callable[[], None]
    """Has waiting progress stored soon."""
    max_bytes: int
    """Of one payload."""
    thread: int
    """The identity of the worker's thread."""
    in_main: bool
    """Whether that is the process's main thread."""
    directory: AbstractContextManager[None]
    """What a handler runs in, so that the next one finds the working directory as it was."""

    @classmethod
    def here(cls, store: WorkflowStore, nudge: Callable[[], None], max_bytes: int) -> Self:
        """Return the workplace of the calling thread."""
        in_main = threading.current_thread() is threading.main_thread()
        return cls(
            store=store,
            cache=RunCache(),
            nudge=nudge,
            max_bytes=max_bytes,
            thread=threading.get_ident(),
            in_main=in_main,
            # Where other threads are at work the directory is not one handler's alone.
            directory=KeptDirectory() if in_main else nullcontext(),
        )


class Attempt:
    """Runs a claimed step's handler; is also the handler context's link to the store."""

    def __init__(
        self, place: Workplace, claim: Claim, workflow: Workflow[Any, Any], node: Node, beat: Beat
    ) -> None:
        self._place = place
        self._store = place.store
        self._cache = place.cache
        self._claim = claim
        self._workflow = workflow
        self._step: Step[Any, Any] = workflow.steps[claim.step_id]
        self._node = node
        self._beat = beat
        self._caller: Executor | None = None
        self._timeout = node.config.timeout
        self._why = ""
        limit = place.store.transaction_seconds() if node.atomic else None
        if limit is not None and (self._timeout is None or limit < self._timeout):
            self._timeout, self._why = limit, ": the database gives its transaction no longer"
        # A coroutine runs in a loop of its own, which ends it by itself.
        self._limit = TimeLimit(None if self._step.is_async else self._timeout)
        self._made_context: StepContext | None = None

    @property
    def _context(self) -> StepContext:
        """What the handler is given besides its input; few ask for it."""
        if self._made_context is None:
            claim = self._claim
            self._made_context = StepContext(
                run_id=claim.run_id,
                workflow=self._workflow,
                step_id=claim.step_id,
                attempt=claim.attempt,
                map_index=claim.map_index,
                logger=log,
                link=self,
            )
        return self._made_context

    def run(self) -> Outcome:
        """Call the handler. Whatever it raises becomes an outcome.

        Only what ends the process (Ctrl-C, a worker that is told to stop at once) passes through,
        the time limit of an attempt in whose handler this one runs, and a store that is away
        before the handler has begun.
        """
        try:
            with self._store.around_handler():
                return self._call_in_time()
        except AttemptTimeout:
            if not self._limit.is_over:
                raise
            message = f"the attempt took longer than {self._timeout:g} s{self._why}"
            return self._failure(ErrorCode.TIMEOUT, TimeoutError(message), retryable=True)
        except _NotBegunError as error:
            raise error.why from None
        except PayloadError as error:
            return self._failure(code_of(error), error, retryable=False)
        except Exception as error:  # noqa: BLE001  containing a handler's errors is the point
            # The graph's config has no exception classes: those are code, not data.
            config = self._step.config.over(self._workflow.config)
            return self._failure(code_of(error), error, retryable=is_retryable(config, error))
        except BaseException as error:
            if is_told_to_end(error):
                raise
            code = ErrorCode.CANCELLED if _is_cancelled(error) else ErrorCode.PANIC
            return self._failure(code, error, retryable=True)

    def _call_in_time(self) -> Outcome:
        try:
            with self._place.directory, time_limit(self._limit, in_main=self._place.in_main):
                # In a context of its own: a language, a time zone or a bound log value that a
                # handler sets is gone with it.
                return contextvars.copy_context().run(self._call)
        except BaseException as error:
            if isinstance(error, AttemptTimeout) or is_told_to_end(error):
                self._store.after_interrupt()
            raise

    def _call(self) -> Outcome:
        text = self._load_or_leave()
        value = self._step.input_codec.load(text) if self._step.takes_input else None
        # The snapshot says whether the run has the condition: newer code does not change that.
        condition = self._workflow.conditions.get(self._step.id) if self._node.conditional else None
        if condition is not None and not condition.evaluate(
            self._context, self._plain(text, value)
        ):
            skipped = text if self._node.passes_through else None
            return Outcome(
                status=StepStatus.SKIPPED,
                output=skipped if self._node.default is None else self._node.default,
            )
        reach(FaultPoint.IN_HANDLER, self._claim)
        result = self._invoke(value)
        reach(FaultPoint.AFTER_EFFECT, self._claim)
        limit = self._place.max_bytes
        output = self._step.output_codec.dump(result, max_bytes=limit)
        context = self._made_context
        state = {} if context is None else context.state.changes(limit)
        return Outcome(status=StepStatus.COMPLETED, output=output, state=state)

    def _load_or_leave(self) -> Json:
        try:
            return self._load_step_input()
        except Exception as error:
            if self._store.is_transient(error):
                raise _NotBegunError(error) from error
            raise

    def _plain(self, text: Json, value: Any) -> Any:
        # A condition may look at a value that its step's handler does not take.
        return value if self._step.takes_input else self._step.input_codec.load(text)

    def _invoke(self, value: Any) -> Any:
        arguments: list[Any] = [self._context] if self._step.takes_ctx else []
        if self._step.takes_input:
            arguments.append(value)
        if self._step.is_async:
            # async_to_sync keeps thread-sensitive calls, the ORM's among them, in this thread: on
            # its connection, in the transaction of an atomic step.
            return async_to_sync(self._awaited)(*arguments)
        result = self._step.handler(*arguments)
        if isinstance(result, CoroutineType):
            result.close()
            message = f"step {self._step.id!r} returned a coroutine: make its handler `async def`"
            raise PayloadError(message)
        return result

    async def _awaited(self, *arguments: Any) -> Any:
        # Runs things in the thread that waits for this coroutine; there is no public name for it.
        self._caller = AsyncToSync.executors.current
        try:
            async with asyncio.timeout(self._timeout) as limit:
                return await self._step.handler(*arguments)
        except TimeoutError:
            if limit.expired():
                self._limit.is_over = True
                raise AttemptTimeout from None
            raise

    def _load_step_input(self) -> Json:
        node = self._node
        if node.join is Join.RUN:
            return self.load_input()
        if node.join is Join.SINGLE and (known := self._cache.outputs.get(node.parents[0])):
            return known.output or "null"
        return join_outputs(node, self._outputs(node.parents))

    def _outputs(self, step_ids: Iterable[str]) -> Mapping[str, StepOutput]:
        wanted = list(step_ids)
        missing = [step_id for step_id in wanted if step_id not in self._cache.outputs]
        loaded = self._load(outputs=missing).outputs if missing else {}
        found = {**self._cache.outputs, **loaded}
        for step_id, output in loaded.items():
            self._cache.keep(step_id, output)
        return {step_id: found[step_id] for step_id in wanted if step_id in found}

    def _load(self, **wanted: Any) -> Loaded:
        """Read from the store in the attempt's own thread, whose connection it is.

        A coroutine runs in another one. Its loop stands still for the moment, as what a context
        offers is no awaitable.
        """
        if self._caller is None or threading.get_ident() == self._place.thread:
            return self._store.load(self._claim.run_id, **wanted)
        return self._caller.submit(self._store.load, self._claim.run_id, **wanted).result()

    # AttemptLink, for the StepContext

    def load_output(self, step_id: str) -> Json | None:
        """Return a step's output. Raises NotFoundError while that step is not over."""
        try:
            return self._outputs([step_id])[step_id].output
        except KeyError:
            message = f"step {step_id!r} has no output yet"
            raise NotFoundError(message, step_id=step_id) from None

    def load_input(self) -> Json:
        """Return the run's input."""
        if self._cache.input is None:
            self._cache.input = self._load(run_input=True).input
        return self._cache.input

    def load_context(self) -> Json | None:
        """Return the run's custom context."""
        return self._load(context=True).context

    def load_state(self) -> Mapping[str, Json]:
        """Return the run's committed state."""
        return self._load(state=True).state

    def report(self, fraction: float, note: str) -> None:
        """Leave progress for the heartbeat."""
        reach(FaultPoint.IN_HANDLER, self._claim)
        log.debug(WORKFLOW_PROGRESS, progress=fraction, note=note)
        self._beat.report(fraction, note)
        self._place.nudge()

    def is_cancelled(self) -> bool:
        """Tell whether a heartbeat found the lease gone."""
        return self._beat.is_lost

    def _failure(self, code: ErrorCode, error: BaseException, *, retryable: bool) -> Outcome:
        info = error_info(code, error, step_id=self._claim.step_id, attempt=self._claim.attempt)
        return Outcome(status=StepStatus.FAILED, error=info, retryable=retryable)


class _NotBegunError(Exception):
    """The store did not give the step's input; the handler has not been called."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


def _is_cancelled(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(StepCancelled) is not None
    return isinstance(error, StepCancelled)
