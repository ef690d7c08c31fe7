"""Payloads as people may see them: JSON data in which what the workflow calls secret is masked."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pydantic_core

from gorkflow.definition.codec import Codec
from gorkflow.definition.redaction import MASK, redacted
from gorkflow.definition.registry import Registry
from gorkflow.definition.workflow import Workflow
from gorkflow.records import Json, RunRecord


def shown_payload(registry: Registry, run: RunRecord, name: str, text: Json | None) -> Any:
    """Return a run's input, output or context for people; `name` says which.

    A payload whose type nobody knows any more, because no version of its workflow is registered,
    is masked as a whole.
    """
    return _shown(text, [getattr(each, f"{name}_codec") for each in _versions(registry, run)])


def shown_step_output(registry: Registry, run: RunRecord, step_id: str, text: Json | None) -> Any:
    """Return a step's output for people, as `shown_payload` does."""
    steps = [each.steps[step_id] for each in _versions(registry, run) if step_id in each.steps]
    return _shown(text, [each.output_codec for each in steps])


def shown_step_input(registry: Registry, run: RunRecord, step_id: str, text: Json | None) -> Any:
    """Return a step's input for people, as `shown_payload` does."""
    steps = [each.steps[step_id] for each in _versions(registry, run) if step_id in each.steps]
    return _shown(text, [each.input_codec for each in steps])


def _versions(registry: Registry, run: RunRecord) -> Iterator[Workflow[Any, Any]]:
    """Give the run's own version or, where that is gone, every one there is."""
    own = registry.find(run.workflow_id, run.workflow_version)
    if own is not None:
        yield own
        return
    for version in registry.versions(run.workflow_id):
        yield registry.get(run.workflow_id, version)


def _shown(text: Json | None, codecs: list[Codec[Any]]) -> Any:
    value = pydantic_core.from_json(text or "null")
    for codec in codecs:
        value = redacted(value, _schema(codec))
    return value if codecs or value is None else MASK


@lru_cache(maxsize=2048)
def _schema(codec: Codec[Any]) -> dict[str, Any]:
    # The validation schema keeps the marks of types that a serializer writes as plain text.
    return codec.json_schema("validation")
