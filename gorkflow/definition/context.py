"""What a handler is given besides its input: a `StepContext`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from gorkflow.definition.state import RunState
from gorkflow.errors import NotFoundError, StepCancelled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from gorkflow.definition.step import Step
    from gorkflow.definition.workflow import Workflow
    from gorkflow.records import Json

Out = TypeVar("Out")


class AttemptLink(Protocol):
    """The way from a context back to the engine that runs the attempt."""

    def load_output(self, step_id: str) -> Json | None:
        """Return a step's output. Raises NotFoundError while that step is not over."""

    def load_input(self) -> Json:
        """Return the run's input."""

    def load_context(self) -> Json | None:
        """Return the run's custom context."""

    def load_state(self) -> Mapping[str, Json]:
        """Return the run's committed state."""

    def report(self, fraction: float, note: str) -> None:
        """Pass progress on; it is stored with a heartbeat."""

    def is_cancelled(self) -> bool:
        """Tell whether the attempt has lost its step."""


class StepContext:
    """One attempt of one step, as its handler sees it."""

    def __init__(  # noqa: PLR0913  built in one place, by the engine
        self,
        *,
        run_id: UUID,
        workflow: Workflow[Any, Any],
        step_id: str,
        attempt: int,
        map_index: int,
        logger: Any,
        link: AttemptLink,
    ) -> None:
        self.run_id = run_id
        self.workflow_id = workflow.id
        self.step_id = step_id
        self.attempt = attempt
        """1 for the first attempt."""
        self.logger = logger
        """A structlog logger bound to run, workflow, step and attempt."""
        self.state = RunState(link.load_state)
        """The run's state; changes are committed with the step's output, or not at all."""
        self._map_index = map_index
        self._workflow = workflow
        self._link = link

    @property
    def idempotency_key(self) -> str:
        """The same on every attempt: pass it to services that deduplicate."""
        return f"{self.run_id}:{self.step_id}:{self._map_index}"

    @overload
    def output(self, step: Step[Any, Out]) -> Out: ...
    @overload
    def output(self, step: str) -> Any: ...
    def output(self, step: Step[Any, Any] | str) -> Any:
        """Return what a step that comes before this one has put out.

        Args:
            step: the step object (the result has its type) or its id.

        Raises:
            NotFoundError: the workflow has no such step, or it is not over yet.

        """
        found = self._find(step)
        text = self._link.load_output(found.id)
        # A skipped step puts out null whatever its type says.
        return None if text in (None, "null") else found.output_codec.load(text)

    def has_output(self, step: Step[Any, Any] | str) -> bool:
        """Tell whether `output(step)` would return something other than None."""
        try:
            return self._link.load_output(self._find(step).id) not in (None, "null")
        except NotFoundError:
            return False

    @property
    def input(self) -> Any:
        """The run's input, validated into the workflow's input type."""
        return self._workflow.input_codec.load(self._link.load_input())

    @property
    def context(self) -> Any:
        """The workflow's custom context as it was when the run started, or None."""
        text = self._link.load_context()
        return None if text is None else self._workflow.context_codec.load(text)

    @property
    def cancelled(self) -> bool:
        """Whether the run was cancelled, or the step was given to another worker."""
        return self._link.is_cancelled()

    def check_cancelled(self) -> None:
        """Raise StepCancelled if `cancelled`; call it now and then in a long handler."""
        if self.cancelled:
            msg = f"step {self.step_id!r} of run {self.run_id} is no longer wanted"
            raise StepCancelled(msg)

    def progress(self, fraction: float, note: str = "") -> None:
        """Report how far the step is.

        Args:
            fraction: 0.0 to 1.0; values outside are clamped.
            note: a short text for people ("4 of 10"); cut after 200 characters.

        """
        self._link.report(min(1.0, max(0.0, float(fraction))), note)

    def _find(self, step: Step[Any, Any] | str) -> Step[Any, Any]:
        step_id = step if isinstance(step, str) else step.id
        try:
            return self._workflow.steps[step_id]
        except KeyError:
            msg = f"workflow {self.workflow_id!r} has no step {step_id!r}"
            raise NotFoundError(msg, step_id=step_id) from None
