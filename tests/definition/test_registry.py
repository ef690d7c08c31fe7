from __future__ import annotations

import threading
from typing import Any

import pytest

import gorkflow
from gorkflow import DefinitionError, NotFoundError, WorkflowBuilder, register
from gorkflow.definition.registry import Registry


def handler(value: int) -> int: ...


def other_handler(value: int) -> int: ...


def make(workflow_id: str = "w", version: str = "1", step: Any = handler) -> Any:
    return WorkflowBuilder(workflow_id, version=version).then(step).build()


def test_registering_returns_the_workflow():
    registry, workflow = Registry(), make()

    assert registry.register(workflow) is workflow
    assert registry.get("w") is registry.find("w", "1") is workflow


def test_the_version_registered_last_is_the_current_one():
    registry = Registry()
    new, old = registry.register(make(version="10")), registry.register(make(version="9"))

    assert registry.get("w") is old
    assert registry.get("w", "10") is new
    assert registry.versions("w") == ("10", "9")
    assert list(registry) == [old]


def test_iteration_is_sorted_by_id():
    registry = Registry()
    for workflow_id in ("b", "c", "a"):
        registry.register(make(workflow_id))

    assert [workflow.id for workflow in registry] == ["a", "b", "c"]
    assert len(registry) == 3
    assert "a" in registry


def test_the_same_workflow_twice_changes_nothing():
    registry, workflow = Registry(), make()

    registry.register(workflow)
    registry.register(workflow)

    assert registry.versions("w") == ("1",)


def test_a_module_imported_again_takes_the_place_of_the_first():
    registry = Registry()
    first, again = make(), make()

    registry.register(first)
    registry.register(again)

    assert registry.get("w") is again


def test_another_workflow_under_the_same_id_and_version_is_refused_with_both_places():
    registry = Registry()
    registry.register(make())
    elsewhere = WorkflowBuilder("w").then(handler).build()

    for stranger in (make(step=other_handler), elsewhere):
        places = r"test_registry, line \d+.*test_registry, line \d+"
        with pytest.raises(DefinitionError, match=rf"'w' and version '1': .*{places}"):
            registry.register(stranger)


def test_what_was_not_built_is_refused():
    with pytest.raises(DefinitionError, match=r"call \.build\(\) first"):
        Registry().register(WorkflowBuilder("w").then(handler))  # type: ignore[type-var]


def test_unknown_workflows_are_not_found():
    registry = Registry()
    registry.register(make("fulfil-order"))

    with pytest.raises(NotFoundError, match="id 'fulfill-order'; did you mean 'fulfil-order'"):
        registry.get("fulfill-order")
    with pytest.raises(NotFoundError, match="'fulfil-order' has no version '2', only '1'"):
        registry.get("fulfil-order", "2")
    assert registry.find("fulfil-order", "2") is None
    assert registry.find("x", "1") is None
    assert registry.versions("x") == ()


def test_unregistering_takes_away_one_version_or_all():
    registry = Registry()
    for version in "123":
        registry.register(make(version=version))

    registry.unregister("w", "3")
    assert registry.versions("w") == ("1", "2")
    registry.unregister("w")
    registry.unregister("w")
    assert "w" not in registry


def test_threads_may_register_at_once():
    registry = Registry()
    workflows = [make(f"w{index}") for index in range(200)]
    threads = [
        threading.Thread(target=lambda part=part: [registry.register(each) for each in part])
        for part in (workflows[:100], workflows[100:])
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(registry) == 200


def test_register_fills_the_process_registry():
    workflow = make("test-registry-default")

    assert register(workflow) is workflow
    assert gorkflow.registry.get("test-registry-default") is workflow
    gorkflow.registry.unregister("test-registry-default")
