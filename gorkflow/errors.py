"""Every error Gorkflow raises or stores, under one root, each with a stable code.

`code` is what the API answers and what a stored `ErrorInfo` carries; the message is for people.
Control flow (`StepCancelled`) is not an error and stands apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """The stable codes. New ones may be added; none changes its meaning."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    NOT_FOUND = "NOT_FOUND"
    TIMEOUT = "TIMEOUT"
    CONCURRENCY_LIMIT = "CONCURRENCY_LIMIT"
    EXECUTION_FAILED = "EXECUTION_FAILED"
    CANCELLED = "CANCELLED"
    PANIC = "PANIC"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    WORKER_LOST = "WORKER_LOST"
    INVALID_STATE = "INVALID_STATE"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    DEFINITION_ERROR = "DEFINITION_ERROR"
    CONFIGURATION_ERROR = "CONFIGURATION_ERROR"


class GorkflowError(Exception):
    """The root of every error here. Catch it to catch them all; it is not raised itself."""

    code: ErrorCode = ErrorCode.INTERNAL_ERROR

    def __init__(self, message: str, **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        """What the message speaks of, for programs: ids, statuses, limits."""

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__)


def _rebuild(cls: type[GorkflowError], message: str, state: dict[str, Any]) -> GorkflowError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class DefinitionError(GorkflowError, ValueError):
    """A workflow or step is wrong as written; raised by `step()`, the builder or `build()`."""

    code = ErrorCode.DEFINITION_ERROR


class ConfigurationError(GorkflowError, ValueError):
    """The GORKFLOW setting, or something it names, is wrong."""

    code = ErrorCode.CONFIGURATION_ERROR


class WorkflowError(GorkflowError):
    """Something about a run: starting it, finding it, steering it, or how it ended."""

    code = ErrorCode.EXECUTION_FAILED


class NotFoundError(WorkflowError, LookupError):
    """No such workflow, version, run or step."""

    code = ErrorCode.NOT_FOUND


class PayloadError(WorkflowError, ValueError):
    """An input or output does not fit its type, or cannot be stored as JSON. Never retried.

    `errors` holds one mapping per field: `loc` (path), `msg`, `type`, as pydantic gives them.
    """

    code = ErrorCode.VALIDATION_ERROR

    def __init__(self, message: str, *, errors: Sequence[dict[str, Any]] = (), **data: Any) -> None:
        super().__init__(message, **data)
        self.errors = list(errors)


class ConcurrencyLimitError(WorkflowError):
    """Another run already holds the resource id. `data["run_id"]` names it where known."""

    code = ErrorCode.CONCURRENCY_LIMIT


class IdempotencyConflictError(WorkflowError):
    """The idempotency key was used before with another input. `data["run_id"]` names that run."""

    code = ErrorCode.IDEMPOTENCY_CONFLICT


class InvalidStateError(WorkflowError):
    """The run's status does not allow the act. `data["status"]` tells the status."""

    code = ErrorCode.INVALID_STATE


class WaitTimeoutError(WorkflowError, TimeoutError):
    """`Run.wait()` gave up; the run itself goes on."""

    code = ErrorCode.TIMEOUT


class RunFailedError(WorkflowError):
    """The output of a run was asked for that failed or was cancelled.

    `data` holds `run_id`, `status` and `error` (the run's `ErrorInfo`, or None).
    """


class StepError(WorkflowError):
    """One step went wrong. `data["step_id"]` and `data["attempt"]` say which."""


class NonRetryableError(StepError):
    """Raise this in a handler to fail the step at once, whatever retries it has left."""


class StepCancelled(BaseException):
    """Raised by `ctx.check_cancelled()` when the run was cancelled or the lease was lost.

    It derives from BaseException so that `except Exception` in a handler lets it through.
    """
