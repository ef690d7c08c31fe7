"""What `start()` returns: one run, to look at, wait for and steer.

What reads or writes has a twin for async code, with an `a` before its name; that of `wait` is
`await_`, because `await` is a keyword.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast
from uuid import UUID

from gorkflow.engine.asynchronous import sleep, twin
from gorkflow.errors import WaitTimeoutError
from gorkflow.records import ErrorInfo, RunRecord, StepRecord
from gorkflow.statuses import RunStatus

if TYPE_CHECKING:
    from gorkflow.engine.alone import Ended
    from gorkflow.engine.engine import Engine

Out = TypeVar("Out")

FIRST_POLL = 0.02
LAST_POLL = 0.5


class Run(Generic[Out]):
    """A run as it was when last read. `refresh()` and `wait()` read it again."""

    def __init__(
        self,
        engine: Engine,
        record: RunRecord,
        *,
        created: bool = True,
        ended: Ended | None = None,
    ) -> None:
        self._engine = engine
        self.record = record
        self._ended = ended
        self.created = created
        """False when an idempotency key led to a run that was there before."""

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.record.workflow_id} {self.status}>"

    @property
    def id(self) -> UUID:
        """The run's id."""
        return self.record.id

    @property
    def status(self) -> RunStatus:
        """The run's status."""
        return self.record.status

    @property
    def progress(self) -> float:
        """0.0 to 1.0."""
        return self.record.progress

    @property
    def run_at(self) -> datetime | None:
        """When it is to begin, if it was put off; None from then on."""
        return self.record.run_at

    @property
    def error(self) -> ErrorInfo | None:
        """Why the run failed or was cancelled."""
        return self.record.error

    @property
    def output(self) -> Out:
        """The run's output, validated into the workflow's output type.

        Raises:
            InvalidStateError: the run has not ended yet.
            RunFailedError: it failed or was cancelled; `data["error"]` says why.

        """
        if self._ended is not None:
            return cast("Out", self._engine.read_output(self.record, self._ended.output))
        return cast("Out", self._engine.get_output(self.id))

    async def aoutput(self) -> Out:
        """Return the output, for async code."""
        if self._ended is not None:
            return self.output
        return cast("Out", await self._engine.aget_output(self.id))

    def refresh(self) -> Self:
        """Read the run again."""
        self._see(self._engine.get_run(self.id))
        return self

    def _see(self, record: RunRecord) -> None:
        self.record, self._ended = record, None

    def wait(self, timeout: float | None = None) -> Self:
        """Block until the run has ended.

        Args:
            timeout: seconds; None waits for ever.

        Raises:
            WaitTimeoutError: it has not ended in time; it goes on all the same.

        """
        self.refresh()
        for pause in self._pauses(timeout):
            self._engine.clock.sleep(pause)
            self.refresh()
        return self

    async def await_(self, timeout: float | None = None) -> Self:  # noqa: ASYNC109  as `wait`
        """Wait in async code until the run has ended; no thread is held meanwhile.

        Args:
            timeout: seconds; None waits for ever.

        Raises:
            WaitTimeoutError: it has not ended in time; it goes on all the same.

        """
        await self.arefresh()
        for pause in self._pauses(timeout):
            await sleep(self._engine.clock, pause)
            await self.arefresh()
        return self

    def _pauses(self, timeout: float | None) -> Iterator[float]:
        """Give the seconds until each next look, as long as the run has not ended."""
        clock = self._engine.clock
        deadline = None if timeout is None else clock.monotonic() + timeout
        pause = FIRST_POLL
        while not self.status.is_terminal:
            left = None if deadline is None else deadline - clock.monotonic()
            if left is not None and left <= 0:
                msg = f"run {self.id} is still {self.status} after {timeout:g} s"
                raise WaitTimeoutError(msg, run_id=str(self.id), status=self.status)
            yield pause if left is None else min(pause, left)
            pause = min(pause * 1.5, LAST_POLL)

    def steps(self, *, attempts: bool = False) -> list[StepRecord]:
        """Return every step of the run in topological order."""
        return self._engine.get_steps(self.id, attempts=attempts)

    def cancel(self, reason: str = "", *, actor: str = "") -> Self:
        """Cancel the run. Raises InvalidStateError, naming the status, if it has ended."""
        self._see(self._engine.cancel(self.id, actor=actor, reason=reason))
        return self

    def retry(self, reason: str = "", *, actor: str = "") -> Self:
        """Continue a FAILED or CANCELLED run from the steps that are not done."""
        self._see(self._engine.retry(self.id, actor=actor, reason=reason))
        return self

    def rerun(self, reason: str = "", *, actor: str = "") -> Run[Any]:
        """Start a new run with the same input."""
        return self._engine.rerun(self.id, actor=actor, reason=reason)

    arefresh = twin(refresh)
    asteps = twin(steps)
    acancel = twin(cancel)
    aretry = twin(retry)
    arerun = twin(rerun)
