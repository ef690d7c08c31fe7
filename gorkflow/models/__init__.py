"""The tables: runs, their steps, earlier attempts, state, and what keeps starts in order."""

from gorkflow.models.fields import ExactCharField, PayloadField
from gorkflow.models.runs import AdmissionLock, DefinitionSnapshot, RunState, WorkflowRun
from gorkflow.models.steps import StepAttempt, StepExecution

__all__ = [
    "AdmissionLock",
    "DefinitionSnapshot",
    "ExactCharField",
    "PayloadField",
    "RunState",
    "StepAttempt",
    "StepExecution",
    "WorkflowRun",
]
