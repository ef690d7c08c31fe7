"""Runs, steps, attempts and errors. The serializer context says with `with_details` whether the
user may see payloads; without it what errors say is left out.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from gorkflow.api.components import InputField, OutputField
from gorkflow.api.serializers.fields import EnumField, FieldErrorSerializer, MomentField
from gorkflow.api.serializers.workflows import EdgeSerializer
from gorkflow.errors import ErrorCode
from gorkflow.records import ErrorInfo, HistoryEvent
from gorkflow.statuses import EventKind, RunStatus, StepStatus


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a run failed or was cancelled."""

    code = EnumField(ErrorCode)
    step_id = serializers.CharField(help_text="Empty where no step is to blame.")
    attempt = serializers.IntegerField()
    type = serializers.CharField(required=False, help_text="Needs view_payload.")
    message = serializers.CharField(required=False, help_text="Needs view_payload.")
    errors = FieldErrorSerializer(  # type: ignore[assignment]  # fields are no attributes
        many=True, required=False, help_text="Needs view_payload."
    )

    def to_representation(self, instance: ErrorInfo) -> dict[str, Any]:
        """Return what the user may see."""
        shown: dict[str, Any] = super().to_representation(instance)
        if self.context.get("with_details"):
            return shown
        return {name: shown[name] for name in ErrorInfo.PUBLIC}


class ErrorDetailSerializer(ErrorSerializer):
    """Why something failed, with the traceback."""

    traceback = serializers.CharField(required=False, help_text="Needs view_payload.")


class RunSerializer(serializers.Serializer[Any]):
    """A run as lists show it."""

    id = serializers.UUIDField()
    workflow = serializers.CharField(source="workflow_id")
    version = serializers.CharField(source="workflow_version")
    status = EnumField(RunStatus)
    progress = serializers.FloatField(min_value=0.0, max_value=1.0)
    total_steps = serializers.IntegerField()
    done_steps = serializers.IntegerField(help_text="Completed or skipped.")
    failed_steps = serializers.IntegerField()
    priority = serializers.IntegerField()
    resource_id = serializers.CharField(help_text="Empty where none was given.")
    idempotency_key = serializers.CharField(allow_null=True)
    tags = serializers.DictField(child=serializers.CharField())
    started_by = serializers.CharField()
    rerun_of = serializers.UUIDField(allow_null=True)
    created_at = MomentField()
    started_at = MomentField(allow_null=True)
    ended_at = MomentField(allow_null=True)
    deadline_at = MomentField(allow_null=True)
    run_at = MomentField(
        allow_null=True, help_text="When it is to begin, if it was put off; null from then on."
    )
    error = ErrorSerializer(allow_null=True)


class AttemptSerializer(serializers.Serializer[Any]):
    """One attempt of a step."""

    number = serializers.IntegerField()
    status = EnumField(StepStatus)
    worker = serializers.CharField()
    queued_at = MomentField(allow_null=True)
    started_at = MomentField(allow_null=True)
    ended_at = MomentField(allow_null=True)
    error = ErrorDetailSerializer(allow_null=True)


class StepSerializer(serializers.Serializer[Any]):
    """One step of a run, reached or not."""

    step_id = serializers.CharField()
    name = serializers.CharField()
    map_index = serializers.IntegerField()
    position = serializers.IntegerField(help_text="In topological order, from 0.")
    status = EnumField(StepStatus)
    parents = serializers.ListField(child=serializers.CharField())
    pending_parents = serializers.IntegerField()
    attempt = serializers.IntegerField(help_text="Attempts begun so far.")
    failures = serializers.IntegerField()
    crashes = serializers.IntegerField(help_text="Attempts lost with their worker.")
    queue = serializers.CharField()
    worker = serializers.CharField()
    progress = serializers.FloatField(help_text="What the handler reports, 0.0 to 1.0.")
    progress_note = serializers.CharField(
        help_text="What the handler reports or, while it waits, why a worker left it alone."
    )
    ready_at = MomentField(allow_null=True)
    due_at = MomentField(allow_null=True)
    started_at = MomentField(allow_null=True)
    ended_at = MomentField(allow_null=True)
    error = ErrorSerializer(allow_null=True)


class StepDetailSerializer(StepSerializer):
    """One step with its attempts, the latest last."""

    attempts = AttemptSerializer(many=True)


class ListedRunSerializer(RunSerializer):
    """A run as lists show it, with payloads where `fields` names them."""

    input = InputField(required=False, help_text="Needs view_payload.")
    output = OutputField(required=False, help_text="Needs view_payload. Null while there is none.")


class RunDetailSerializer(ListedRunSerializer):
    """A run with its steps and, for those who may see them, its input and output."""

    error = ErrorDetailSerializer(allow_null=True)
    steps = StepSerializer(many=True)


class StepResultSerializer(StepDetailSerializer):
    """One step with its attempts and, for those who may see it, its output."""

    output = serializers.JSONField(
        required=False, help_text="Needs view_payload. Null while there is none."
    )


class EventSerializer(serializers.Serializer[Any]):
    """Something that happened to a run or to one of its steps."""

    id = serializers.CharField(help_text="The same whenever the history is read.")
    at = MomentField()
    kind = EnumField(EventKind)
    step_id = serializers.CharField(help_text="Empty where it is about the run as a whole.")
    attempt = serializers.IntegerField()
    actor = serializers.CharField(help_text="Who did it, or which worker had the step.")
    reason = serializers.CharField(required=False, help_text="Needs view_payload.")
    error = ErrorDetailSerializer(allow_null=True)
    data = serializers.DictField(  # type: ignore[assignment]  # fields are no attributes
        help_text="RUN_RERUN has `run_id`, RUN_RETRIED has `status`, `ended_at` and `error`."
    )

    def to_representation(self, instance: HistoryEvent) -> dict[str, Any]:
        """Return what the user may see."""
        shown: dict[str, Any] = super().to_representation(instance)
        if not self.context.get("with_details"):
            del shown["reason"]
        return shown


class EventPageSerializer(serializers.Serializer[Any]):
    """Some events, oldest first."""

    next = serializers.URLField(help_text="Gives what comes after; ask again later.")
    has_more = serializers.BooleanField(help_text="Whether there is more already.")
    results = EventSerializer(many=True)


class RunNodeSerializer(serializers.Serializer[Any]):
    """A step of a graph, and how it stands in a run."""

    id = serializers.CharField(source="step_id")
    name = serializers.CharField()
    parents = serializers.ListField(child=serializers.CharField())
    status = EnumField(StepStatus)
    attempt = serializers.IntegerField()
    progress = serializers.FloatField()


class RunGraphSerializer(serializers.Serializer[Any]):
    """A run's graph in topological order."""

    status = EnumField(RunStatus)
    nodes = RunNodeSerializer(many=True)
    edges = EdgeSerializer(many=True)
