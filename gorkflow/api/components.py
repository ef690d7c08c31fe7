"""The types of workflows in the OpenAPI document, so that a generated client knows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from drf_spectacular.extensions import (
    OpenApiSerializerExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.settings import spectacular_settings
from rest_framework import serializers
from typing_extensions import override

from gorkflow.api.openapi import split_definitions, to_openapi_30
from gorkflow.definition.workflow import Workflow
from gorkflow.wiring import get_engine

_component: Any = ResolvedComponent  # it has no types
_WORDS = re.compile(r"[^a-zA-Z0-9]+")


class InputField(serializers.JSONField):
    """The input of some workflow."""


class OutputField(serializers.JSONField):
    """The output of some workflow."""


class InputFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Describes an input as that of any registered workflow, with a component for each."""

    target_class: type[serializers.Field[Any, Any, Any, Any]] = InputField
    what = "Input"

    @override
    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the description."""
        names = [self._register(auto_schema.registry, each) for each in _named_workflows()]
        refs = [{"$ref": f"#/components/schemas/{name}"} for name in names]
        return {"anyOf": refs, "nullable": True} if refs else {}

    def schema_of(self, workflow: Workflow[Any, Any]) -> dict[str, Any]:
        """Return the JSON Schema of a workflow's own."""
        return workflow.input_schema()

    def _register(self, registry: Any, named: tuple[str, Workflow[Any, Any]]) -> str:
        prefix, workflow = named
        name = f"{prefix}{self.what}"
        described = f"The {self.what.lower()} of workflow {workflow.id!r}."
        found = split_definitions(self.schema_of(workflow), name)
        if "$ref" not in found[name]:
            found[name] = {"title": name, "description": described, **found[name]}
        old = str(spectacular_settings.OAS_VERSION).startswith("3.0")
        for key, schema in found.items():
            shown = to_openapi_30(schema) if old else schema
            component: Any = _component(key, _component.SCHEMA, shown, key)
            registry.register_on_missing(component)
        return name


class OutputFieldSchema(InputFieldSchema):  # type: ignore[no-untyped-call]
    """Describes an output as that of any registered workflow, with a component for each."""

    target_class = OutputField
    what = "Output"

    @override
    def schema_of(self, workflow: Workflow[Any, Any]) -> dict[str, Any]:
        """Return the JSON Schema of a workflow's own."""
        return workflow.output_schema()


class RunResultSerializer(serializers.Serializer[Any]):
    """The bare output of a run, for the document alone.

    Its component's name does not end as those of workflows do.
    """


class RunResultSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Describes it as that of any registered workflow."""

    target_class = RunResultSerializer

    @override
    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the description."""
        described = OutputFieldSchema(OutputField())  # type: ignore[no-untyped-call]
        shown: dict[str, Any] = described.map_serializer_field(auto_schema, direction)
        return {"description": "The output of some workflow.", **shown}


def _named_workflows() -> Iterator[tuple[str, Workflow[Any, Any]]]:
    """Give the current version of every workflow with a name for its components.

    Two ids that make the same name are told apart by a number.
    """
    seen: set[str] = set()
    for workflow in get_engine().registry:
        words = [word for word in _WORDS.split(workflow.id) if word]
        name = "".join(word[0].upper() + word[1:] for word in words) or "Workflow"
        number = next(n for n in range(1, len(seen) + 2) if _numbered(name, n) not in seen)
        seen.add(_numbered(name, number))
        yield _numbered(name, number), workflow


def _numbered(name: str, number: int) -> str:
    return name if number == 1 else f"{name}{number}"
