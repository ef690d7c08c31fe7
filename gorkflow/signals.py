"""Django signals for what happened to runs and steps, sent after the commit.

Receivers get ids, not rows: read the rows if you need them. An error in a receiver is logged and
harms nothing. In a Celery worker they run in the worker.
"""

from __future__ import annotations

from django.dispatch import Signal

run_created = Signal()
"""Arguments: run_id (UUID), workflow_id (str)."""

run_started = Signal()
"""A worker claimed the run's first step. Arguments: run_id, workflow_id."""

run_ended = Signal()
"""Arguments: run_id, workflow_id, status (RunStatus), error (ErrorInfo or None)."""

step_ended = Signal()
"""An attempt ended. Arguments: run_id, workflow_id, step_id, attempt, status (StepStatus; RETRYING
means that another attempt follows), error."""
