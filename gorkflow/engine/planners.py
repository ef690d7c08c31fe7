"""The planners of this process, one per graph, built once."""

from __future__ import annotations

import threading

from gorkflow.config import EngineConfig
from gorkflow.definition.graph import ExecutionGraph
from gorkflow.definition.registry import Registry
from gorkflow.engine.planner import Planner
from gorkflow.records import RunRecord
from gorkflow.stores.base import Claim, WorkflowStore

MAX_PLANNERS = 256


class Planners:
    """Finds the planner of a run's graph: from the registered code where that is still the same
    graph, else from the snapshot that the run was started with.
    """

    def __init__(self, store: WorkflowStore, registry: Registry, config: EngineConfig) -> None:
        self._store = store
        self._registry = registry
        self._config = config
        self._built: dict[str, Planner] = {}
        self._lock = threading.Lock()

    def of_graph(self, graph: ExecutionGraph) -> Planner:
        """Return the graph's planner."""
        planner = self._built.get(graph.fingerprint)
        if planner is None:
            planner = Planner(graph, self._config)
            with self._lock:
                if len(self._built) >= MAX_PLANNERS:
                    self._built.clear()
                self._built[graph.fingerprint] = planner
        return planner

    def of_run(self, run: RunRecord | Claim) -> Planner:
        """Return the planner of the graph that the run follows, whatever the code says today."""
        known = self._built.get(run.fingerprint)
        if known is not None:
            return known
        workflow = self._registry.find(run.workflow_id, run.workflow_version)
        if workflow is not None and workflow.graph.fingerprint == run.fingerprint:
            return self.of_graph(workflow.graph)
        run_id = run.id if isinstance(run, RunRecord) else run.run_id
        return self.of_graph(ExecutionGraph.from_json(self._store.load(run_id, graph=True).graph))
