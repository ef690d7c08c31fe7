"""Registered workflows: their graphs, their steps' configuration, their types."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from gorkflow.api.serializers.fields import EnumField
from gorkflow.config import Backoff
from gorkflow.definition.graph import ExecutionGraph, Join, Node
from gorkflow.definition.registry import Registry
from gorkflow.definition.workflow import Workflow


class WorkflowSerializer(serializers.Serializer[Any]):
    """A workflow as lists show it."""

    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.CharField()
    versions = serializers.ListField(
        child=serializers.CharField(), help_text="In the order of registration, current last."
    )
    description = serializers.CharField()
    total_steps = serializers.IntegerField()


class StepConfigSerializer(serializers.Serializer[Any]):
    """How a step is run. Times are in seconds."""

    max_retries = serializers.IntegerField()
    retry_delay = serializers.FloatField()
    backoff = EnumField(Backoff)
    max_delay = serializers.FloatField()
    jitter = serializers.FloatField()
    timeout = serializers.FloatField(allow_null=True)
    continue_on_error = serializers.BooleanField()
    queue = serializers.CharField(allow_null=True, help_text="Null for the default queue.")


class NodeSerializer(serializers.Serializer[Any]):
    """One step of a graph."""

    id = serializers.CharField()
    name = serializers.CharField()
    parents = serializers.ListField(child=serializers.CharField())
    join = EnumField(Join, help_text="Where its input comes from.")
    conditional = serializers.BooleanField()
    atomic = serializers.BooleanField()
    config = StepConfigSerializer()


class EdgeSerializer(serializers.Serializer[Any]):
    """From a step to one that waits for it."""

    source = serializers.CharField()  # type: ignore[assignment]  # fields are no attributes
    target = serializers.CharField()


class GraphSerializer(serializers.Serializer[Any]):
    """A DAG in topological order."""

    nodes = NodeSerializer(many=True)
    edges = EdgeSerializer(many=True)


class WorkflowDetailSerializer(WorkflowSerializer):
    """A workflow with all that a client needs to start it and draw it."""

    tags = serializers.DictField(child=serializers.CharField())
    max_concurrent_runs = serializers.IntegerField(allow_null=True)
    max_concurrency = serializers.IntegerField(
        allow_null=True, help_text="Steps of one run that may run at once."
    )
    run_timeout = serializers.FloatField(allow_null=True)
    graph = GraphSerializer()
    input_schema = serializers.DictField(help_text="JSON Schema.")
    output_schema = serializers.DictField(help_text="JSON Schema.")


def workflow_summary(workflow: Workflow[Any, Any], registry: Registry) -> dict[str, Any]:
    """Return what a WorkflowSerializer takes."""
    return {
        "id": workflow.id,
        "name": workflow.name,
        "version": workflow.version,
        "versions": registry.versions(workflow.id),
        "description": workflow.description,
        "total_steps": len(workflow.graph),
    }


def workflow_detail(workflow: Workflow[Any, Any], registry: Registry) -> dict[str, Any]:
    """Return what a WorkflowDetailSerializer takes."""
    return {
        **workflow_summary(workflow, registry),
        "tags": workflow.tags,
        "max_concurrent_runs": workflow.max_concurrent_runs,
        "max_concurrency": workflow.config.max_concurrency,
        "run_timeout": workflow.run_timeout,
        "graph": _graph(workflow.graph),
        "input_schema": workflow.input_schema(),
        "output_schema": workflow.output_schema(),
    }


def _graph(graph: ExecutionGraph) -> dict[str, list[Any]]:
    nodes: list[Node] = list(graph)
    edges = [{"source": parent, "target": node.id} for node in nodes for parent in node.parents]
    return {"nodes": nodes, "edges": edges}
