"""What a run and its steps carry, as people may see it: secrets are masked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pydantic_core

from gorkflow.definition.graph import Join, Node
from gorkflow.definition.showing import shown_payload, shown_step_input, shown_step_output
from gorkflow.engine import Engine
from gorkflow.engine.planner import join_outputs
from gorkflow.records import Json, RunRecord, StepRecord
from gorkflow.stores.base import StepOutput

RUN_PARTS = ("output", "input", "state", "context")
STEP_PARTS = ("output", "input")

Parts = dict[str, Any]
"""JSON data by name; what there is not, or not yet, is missing."""


class Contents:
    """The payloads of one run."""

    def __init__(self, engine: Engine, run: RunRecord) -> None:
        self._engine = engine
        self._run = run

    def of_run(self) -> Parts:
        """Return what the run carries."""
        loaded = self._engine.store.load(
            self._run.id, run_input=True, run_output=True, context=True, state=True
        )
        texts = {"output": loaded.output, "input": loaded.input, "context": loaded.context}
        found = {name: self._shown(name, text) for name, text in texts.items() if text is not None}
        if loaded.state:
            state = sorted(loaded.state.items())
            found["state"] = {name: pydantic_core.from_json(text) for name, text in state}
        return {name: found[name] for name in RUN_PARTS if name in found}

    def of_step(self, step: StepRecord) -> Parts:
        """Return what a step took, once that is known, and what it put out."""
        node = self._engine.planners.of_run(self._run).graph[step.step_id]
        loaded = self._engine.store.load(
            self._run.id,
            outputs=[step.step_id, *node.parents],
            run_input=node.join is Join.RUN,
        )
        found: Parts = {}
        own = loaded.outputs.get(step.step_id)
        if own is not None and own.output is not None:
            found["output"] = self._step_output(step.step_id, own)
        if node.join is Join.RUN:
            found["input"] = self._shown("input", loaded.input)
        elif all(parent in loaded.outputs for parent in node.parents):
            found["input"] = self._step_input(node, loaded.outputs)
        return found

    def _step_input(self, node: Node, outputs: Any) -> Any:
        masked = {
            parent: replace(outputs[parent], output=self._masked_text(parent, outputs[parent]))
            for parent in node.parents
        }
        text = join_outputs(node, masked)
        return shown_step_input(self._engine.registry, self._run, node.id, text)

    def _masked_text(self, step_id: str, found: StepOutput) -> Json | None:
        if found.output is None:
            return None
        return json.dumps(self._step_output(step_id, found))

    def _step_output(self, step_id: str, found: StepOutput) -> Any:
        return shown_step_output(self._engine.registry, self._run, step_id, found.output)

    def _shown(self, name: str, text: Json) -> Any:
        return shown_payload(self._engine.registry, self._run, name, text)
