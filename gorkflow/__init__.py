"""Durable, typed DAG workflows for Django and Celery.

These are the public names. Importing them needs neither settings nor Django.
"""

from gorkflow.config import Backoff, EngineConfig, ExecutionConfig, StartOptions
from gorkflow.definition.builder import WorkflowBuilder
from gorkflow.definition.context import StepContext
from gorkflow.definition.graph import ExecutionGraph
from gorkflow.definition.registry import register, registry
from gorkflow.definition.step import Step, step
from gorkflow.definition.workflow import Workflow
from gorkflow.engine import Engine, Run
from gorkflow.errors import (
    ConcurrencyLimitError,
    ConfigurationError,
    DefinitionError,
    ErrorCode,
    GorkflowError,
    IdempotencyConflictError,
    InvalidStateError,
    NonRetryableError,
    NotFoundError,
    PayloadError,
    RunFailedError,
    StepCancelled,
    StepError,
    WaitTimeoutError,
    WorkflowError,
)
from gorkflow.queries import RunFilter, RunPage, RunStats
from gorkflow.records import AttemptRecord, ErrorInfo, EventRecord, RunRecord, StepRecord
from gorkflow.statuses import RunStatus, StepStatus
from gorkflow.stores.base import WorkflowStore

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022  grouped, as a table of contents
    # Writing workflows
    "Step",
    "StepContext",
    "Workflow",
    "WorkflowBuilder",
    "ExecutionGraph",
    "register",
    "registry",
    "step",
    # Saying how they run
    "Backoff",
    "EngineConfig",
    "ExecutionConfig",
    "StartOptions",
    # Running them and looking at runs
    "Engine",
    "Run",
    "WorkflowStore",
    "AttemptRecord",
    "ErrorInfo",
    "EventRecord",
    "RunFilter",
    "RunPage",
    "RunRecord",
    "RunStats",
    "RunStatus",
    "StepRecord",
    "StepStatus",
    # Errors
    "ConcurrencyLimitError",
    "ConfigurationError",
    "DefinitionError",
    "ErrorCode",
    "GorkflowError",
    "IdempotencyConflictError",
    "InvalidStateError",
    "NonRetryableError",
    "NotFoundError",
    "PayloadError",
    "RunFailedError",
    "StepCancelled",
    "StepError",
    "WaitTimeoutError",
    "WorkflowError",
    # About the package
    "__version__",
]
