"""The verbs of the tables: what callers and the store ask for, in the words of the design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from django.db import models

from gorkflow.models.fields import HasTag
from gorkflow.models.indexes import with_reserved
from gorkflow.statuses import ACTIVE_RUNS, CLAIMABLE_STEPS, TERMINAL_RUNS, StepStatus

if TYPE_CHECKING:
    from gorkflow.models.runs import WorkflowRun  # noqa: F401  named in a string
    from gorkflow.models.steps import StepExecution  # noqa: F401

PAYLOADS = ("input", "output", "context")


class RunQuerySet(models.QuerySet["WorkflowRun"]):
    """Runs."""

    def active(self) -> Self:
        """Runs that still have something to do."""
        return self.filter(status__in=ACTIVE_RUNS)

    def ended(self) -> Self:
        """Runs in a terminal status."""
        return self.filter(status__in=TERMINAL_RUNS)

    def tagged(self, tags: Mapping[str, str]) -> Self:
        """Runs that carry every one of the tags; any characters are allowed in names."""
        return self.filter(*(HasTag("tags", name, value) for name, value in tags.items()))

    def without_payloads(self) -> Self:
        """Leave the large columns in the database."""
        return self.defer(*PAYLOADS)


class StepQuerySet(models.QuerySet["StepExecution"]):
    """Steps."""

    def live(self) -> Self:
        """Steps of all runs that are due some time or held, by the index that is theirs alone."""
        return self.filter(with_reserved("map_index"), due_at__isnull=False)

    def due(self, now: Any) -> Self:
        """Steps that may be claimed now: parents over, time come."""
        return self.live().filter(status__in=CLAIMABLE_STEPS, due_at__lte=now)

    def due_in(self, run: Any, now: Any) -> Self:
        """Steps of one run that may be claimed now, by the index of claims."""
        return self.filter(run_id=run, status__in=CLAIMABLE_STEPS, due_at__lte=now)

    def held(self) -> Self:
        """Steps that a worker holds."""
        # All of them have a lease; it is said because the index has live steps alone.
        return self.filter(status=StepStatus.RUNNING, due_at__isnull=False)

    def expired(self, now: Any) -> Self:
        """Held steps whose lease has ended."""
        return self.live().held().filter(due_at__lte=now)

    def without_payloads(self) -> Self:
        """Leave the large columns in the database."""
        return self.defer("output")
