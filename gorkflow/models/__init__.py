"""The tables: runs, steps, earlier attempts, state, events, and what keeps starts in order."""

from gorkflow.models.fields import ExactCharField, PayloadField, RowKey
from gorkflow.models.indexes import LiveIndex, LiveUnique
from gorkflow.models.runs import (
    AdmissionLock,
    DefinitionSnapshot,
    RegisteredWorkflow,
    RunEvent,
    RunState,
    WorkflowRun,
)
from gorkflow.models.steps import StepAttempt, StepExecution

__all__ = [
    "AdmissionLock",
    "DefinitionSnapshot",
    "ExactCharField",
    "LiveIndex",
    "LiveUnique",
    "PayloadField",
    "RegisteredWorkflow",
    "RowKey",
    "RunEvent",
    "RunState",
    "StepAttempt",
    "StepExecution",
    "WorkflowRun",
]
