"""A run, the snapshot of the graph it follows, and its state."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from gorkflow.config import MAX_ACTOR, MAX_REASON
from gorkflow.models.fields import ExactCharField, PayloadField
from gorkflow.models.indexes import LiveIndex, LiveUnique
from gorkflow.models.querysets import RunQuerySet
from gorkflow.statuses import ActKind, RunStatus


class DefinitionSnapshot(models.Model):
    """A graph that runs follow; stored once, however many runs share it."""

    fingerprint = ExactCharField(max_length=64, primary_key=True)
    workflow_id = ExactCharField(max_length=200)
    workflow_version = ExactCharField(max_length=64)
    graph = PayloadField()
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("definition snapshot")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.workflow_id} {self.workflow_version} ({self.fingerprint[:8]})"


class WorkflowRun(models.Model):
    """One run of a workflow. Read it as you like; change it through the engine only."""

    id = models.UUIDField(primary_key=True, editable=False)
    workflow_id = ExactCharField(_("workflow"), max_length=200)
    workflow_version = ExactCharField(_("version"), max_length=64)
    definition = models.ForeignKey(
        DefinitionSnapshot, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    status = ExactCharField(
        _("status"), max_length=16, choices=[(status.value, status.value) for status in RunStatus]
    )
    priority = models.SmallIntegerField(_("priority"), default=5)
    resource_id = ExactCharField(_("resource id"), max_length=255, blank=True, default="")
    idempotency_key = ExactCharField(_("idempotency key"), max_length=255, null=True, blank=True)
    concurrency_key = ExactCharField(max_length=64, null=True, blank=True, editable=False)
    active_key = ExactCharField(max_length=64, null=True, blank=True, editable=False)
    tags = models.JSONField(_("tags"), default=dict, blank=True)
    input = PayloadField(_("input"), null=True, blank=True)
    output = PayloadField(_("output"), null=True, blank=True)
    context = PayloadField(_("context"), null=True, blank=True)
    error = models.JSONField(_("error"), null=True, blank=True)
    started_by = ExactCharField(_("started by"), max_length=MAX_ACTOR, blank=True, default="")
    # It may name a run that has been pruned: setting it to NULL would lock runs under way.
    rerun_of = models.ForeignKey(
        "self",
        verbose_name=_("rerun of"),
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    total_steps = models.IntegerField(_("steps"))
    open_sinks = models.IntegerField(editable=False)
    step_limit = models.IntegerField(null=True, blank=True, editable=False)
    run_limit = models.IntegerField(null=True, blank=True, editable=False)
    timeout = models.FloatField(_("timeout in seconds"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"), null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("workflow run")
        ordering = ("-created_at", "-id")
        default_permissions = ("view", "delete")
        permissions = [
            ("start_workflowrun", _("Can start a run")),
            ("cancel_workflowrun", _("Can cancel a run")),
            ("retry_workflowrun", _("Can retry or rerun a run")),
            ("view_payload", _("Can see inputs, outputs, state and errors")),
        ]
        constraints = [
            LiveUnique(
                fields=["workflow_id", "idempotency_key"],
                name="gorkflow_run_idempotency",
                live="idempotency_key",
            ),
            LiveUnique(fields=["active_key"], name="gorkflow_run_active_key", live="active_key"),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="gorkflow_run_recent"),
            models.Index(fields=["status", "-created_at"], name="gorkflow_run_by_status"),
            models.Index(
                fields=["workflow_id", "status", "created_at"], name="gorkflow_run_by_workflow"
            ),
            LiveIndex(fields=["ended_at"], name="gorkflow_run_ended", live="ended_at"),
            models.Index(fields=["definition"], name="gorkflow_run_by_definition"),
            models.Index(fields=["resource_id"], name="gorkflow_run_by_resource"),
            LiveIndex(fields=["deadline_at"], name="gorkflow_run_deadline", live="deadline_at"),
        ]

    def __str__(self) -> str:
        return f"{self.workflow_id} {str(self.id)[:18]}"


class RegisteredWorkflow(WorkflowRun):
    """A workflow of this process, so that the admin has a page for them. It has no rows."""

    class Meta:
        proxy = True
        verbose_name = _("workflow")
        default_permissions = ()


class RunState(models.Model):
    """One named value of a run's state (`ctx.state`)."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(
        WorkflowRun, on_delete=models.CASCADE, related_name="state", db_index=False
    )
    name = ExactCharField(max_length=200)
    value = PayloadField()

    class Meta:
        verbose_name = _("run state")
        verbose_name_plural = _("run state")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["run", "name"], name="gorkflow_state_name"),
        ]

    def __str__(self) -> str:
        return self.name


class RunEvent(models.Model):
    """What a person or a program did to a run; what workers do is told by its steps."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(
        WorkflowRun, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    at = models.DateTimeField(_("at"))
    kind = ExactCharField(
        _("act"), max_length=16, choices=[(kind.value, kind.value) for kind in ActKind]
    )
    actor = ExactCharField(_("by"), max_length=MAX_ACTOR, blank=True, default="")
    reason = ExactCharField(_("reason"), max_length=MAX_REASON, blank=True, default="")
    data = models.JSONField(_("data"), default=dict, blank=True)

    class Meta:
        verbose_name = _("run event")
        ordering = ("id",)
        default_permissions = ("view",)
        indexes = [models.Index(fields=["run", "id"], name="gorkflow_event_of_run")]

    def __str__(self) -> str:
        return self.kind


class AdmissionLock(models.Model):
    """A row to lock while runs of a workflow with a run limit are let in one by one."""

    workflow_id = ExactCharField(max_length=200, primary_key=True)

    class Meta:
        verbose_name = _("admission lock")
        default_permissions = ()

    def __str__(self) -> str:
        return self.workflow_id
