"""Where a process keeps its workflows: by id and version."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, TypeVar

from gorkflow.definition.naming import did_you_mean
from gorkflow.definition.workflow import Workflow
from gorkflow.errors import DefinitionError, NotFoundError

W = TypeVar("W", bound=Workflow[Any, Any])


class Registry:
    """Workflows by id and version.

    The version that was registered last is the current one: the one that `get(id)` returns, that
    new runs get, and that iteration shows. Older versions stay for the runs that began with them.
    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Replaced as a whole when it changes, so that readers need no lock.
        self._workflows: dict[str, dict[str, Workflow[Any, Any]]] = {}
        self._graphs: tuple[object, frozenset[tuple[str, str, str]]] = (None, frozenset())

    def __iter__(self) -> Iterator[Workflow[Any, Any]]:
        """Go through the current version of every workflow, sorted by id."""
        found = self._workflows
        return iter([_current(found[workflow_id]) for workflow_id in sorted(found)])

    def __len__(self) -> int:
        return len(self._workflows)

    def __contains__(self, workflow_id: object) -> bool:
        return workflow_id in self._workflows

    def register(self, workflow: W) -> W:
        """Add a workflow and return it.

        The same workflow again changes nothing, and neither does its module imported again: it
        takes the place of the one that was built by the same line with an equal graph.

        Raises:
            DefinitionError: another workflow has the id and version; names both places.

        """
        _refuse_unbuilt(workflow)
        with self._lock:
            versions = dict(self._workflows.get(workflow.id, {}))
            known = versions.get(workflow.version)
            if known is None or _is_reloaded(known, workflow):
                versions[workflow.version] = workflow
                self._workflows = {**self._workflows, workflow.id: versions}
                return workflow
        msg = (
            f"two workflows have the id {workflow.id!r} and version {workflow.version!r}: one built"
            f" in {known.place}, the other in {workflow.place}; change the version of one"
        )
        raise DefinitionError(msg, workflow_id=workflow.id, version=workflow.version)

    def unregister(self, workflow_id: str, version: str | None = None) -> None:
        """Take away one version, or without a version all of them. Unknown ones are no error."""
        with self._lock:
            versions = dict(self._workflows.get(workflow_id, {}))
            versions.pop(version, None) if version is not None else versions.clear()
            left = {key: kept for key, kept in self._workflows.items() if key != workflow_id}
            self._workflows = {**left, workflow_id: versions} if versions else left

    @property
    def graphs(self) -> frozenset[tuple[str, str, str]]:
        """Workflow id, version and fingerprint of everything registered."""
        workflows, graphs = self._workflows, self._graphs
        if graphs[0] is not workflows:
            found = [each for versions in workflows.values() for each in versions.values()]
            known = frozenset((each.id, each.version, each.graph.fingerprint) for each in found)
            self._graphs = graphs = (workflows, known)
        return graphs[1]

    def find(self, workflow_id: str, version: str) -> Workflow[Any, Any] | None:
        """Return that very version, or None."""
        return self._workflows.get(workflow_id, {}).get(version)

    def get(self, workflow_id: str, version: str | None = None) -> Workflow[Any, Any]:
        """Return a version of a workflow; the current one without a version.

        Raises:
            NotFoundError: there is none; names the nearest right id, or the known versions.

        """
        found = self._workflows
        versions = found.get(workflow_id)
        if versions is None:
            msg = f"no workflow has the id {workflow_id!r}{did_you_mean(workflow_id, found)}"
            raise NotFoundError(msg, workflow_id=workflow_id)
        if version is None:
            return _current(versions)
        if version not in versions:
            msg = f"workflow {workflow_id!r} has no version {version!r}, only {_listed(versions)}"
            raise NotFoundError(msg, workflow_id=workflow_id, version=version)
        return versions[version]

    def versions(self, workflow_id: str) -> tuple[str, ...]:
        """Return the versions in the order they were registered in, the current one last."""
        return tuple(self._workflows.get(workflow_id, {}))


def _refuse_unbuilt(workflow: object) -> None:
    if not isinstance(workflow, Workflow):
        msg = f"register() takes a built workflow, not {workflow!r:.100}; call .build() first"
        raise DefinitionError(msg)


def _current(versions: dict[str, Workflow[Any, Any]]) -> Workflow[Any, Any]:
    return next(reversed(versions.values()))


def _is_reloaded(known: Workflow[Any, Any], workflow: Workflow[Any, Any]) -> bool:
    return known is workflow or (
        known.place == workflow.place and known.graph.fingerprint == workflow.graph.fingerprint
    )


def _listed(versions: dict[str, Workflow[Any, Any]]) -> str:
    return ", ".join(map(repr, versions))


registry = Registry()
"""The process's own registry, filled by `register` and by the autodiscovery of `workflows.py`."""

register = registry.register
"""Add a workflow to the process's registry and return it."""
