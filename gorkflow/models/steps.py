"""A step of a run, and the attempts it made before its latest one."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from gorkflow.models.fields import ExactCharField, PayloadField, RowKey
from gorkflow.models.indexes import LiveIndex
from gorkflow.models.querysets import StepQuerySet
from gorkflow.models.runs import WorkflowRun
from gorkflow.statuses import StepStatus

STEP_STATUSES = [(status.value, status.value) for status in StepStatus]


class StepExecution(models.Model):
    """One step of one run, with its latest attempt. A step has a row once it can be waited for.

    Every step is two writes of such a row, so the database is asked for few checks of what the
    engine alone writes: PostgreSQL would read the text of each anew for every write.
    """

    id = RowKey(primary_key=True)
    # Rows come and go with their run's row locked: a check by the database at each of them would
    # cost a sixth of a step. For the same reason no number here is a "positive" one.
    run = models.ForeignKey(
        WorkflowRun,
        on_delete=models.CASCADE,
        related_name="steps",
        db_index=False,
        db_constraint=False,
    )
    step_id = ExactCharField(_("step"), max_length=200)
    map_index = models.IntegerField(default=0)
    position = models.IntegerField(_("position"))
    status = ExactCharField(_("status"), max_length=16, choices=STEP_STATUSES)
    pending = models.IntegerField(_("parents to wait for"), default=0)
    queue = ExactCharField(_("queue"), max_length=100)
    due_at = models.DateTimeField(
        _("due"),
        null=True,
        blank=True,
        help_text=_("When it may be claimed or, while it runs, when its lease ends."),
    )
    token = models.UUIDField(null=True, blank=True, editable=False)
    worker = ExactCharField(_("worker"), max_length=255, blank=True, default="")
    attempt = models.IntegerField(_("attempts"), default=0)
    failures = models.IntegerField(_("failures"), default=0)
    crashes = models.IntegerField(_("lost workers"), default=0)
    progress = models.FloatField(_("progress"), default=0.0)
    progress_note = ExactCharField(max_length=200, blank=True, default="")
    output = PayloadField(_("output"), null=True, blank=True)
    error = models.JSONField(_("error"), null=True, blank=True)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = StepQuerySet.as_manager()

    class Meta:
        verbose_name = _("step execution")
        ordering = ("position", "map_index")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["run", "step_id", "map_index"], name="gorkflow_step_in_run"
            ),
        ]
        indexes = [
            # NULL for every step that is over: the sweep reads the few that are not. For `live`
            # alone: by statistics of an idle hour a planner would take it for claims, too, and
            # read past what other runs wait for.
            LiveIndex(
                fields=["due_at"], name="gorkflow_step_due", live="due_at", reserved="map_index"
            ),
            # In the order in which a run's due steps are claimed.
            LiveIndex(
                fields=["run", "status", "due_at", "id"], name="gorkflow_step_claim", live="due_at"
            ),
        ]

    def __str__(self) -> str:
        return self.step_id


class StepAttempt(models.Model):
    """An attempt that another one followed; the latest attempt is on the step itself."""

    id = models.BigAutoField(primary_key=True)
    step = models.ForeignKey(
        StepExecution, on_delete=models.CASCADE, related_name="attempts", db_index=False
    )
    number = models.IntegerField(_("number"))
    status = ExactCharField(_("status"), max_length=16, choices=STEP_STATUSES)
    worker = ExactCharField(_("worker"), max_length=255, blank=True, default="")
    error = models.JSONField(_("error"), null=True, blank=True)
    ready_at = models.DateTimeField(_("ready"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("step attempt")
        ordering = ("number",)
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["step", "number"], name="gorkflow_attempt_number"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number}"
