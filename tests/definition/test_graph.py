from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gorkflow import DefinitionError, ExecutionConfig, ExecutionGraph
from gorkflow.definition.graph import Join, Node


def graph_of(**parents: tuple[str, ...]) -> ExecutionGraph:
    return ExecutionGraph(
        Node(id=step_id, name=step_id, parents=found) for step_id, found in parents.items()
    )


DIAMOND = graph_of(d=("b", "c"), b=("a",), c=("a",), a=())


def test_parents_come_before_their_children():
    assert DIAMOND.order[0] == "a"
    assert DIAMOND.order[-1] == "d"
    assert [DIAMOND.position(step_id) for step_id in DIAMOND.order] == [0, 1, 2, 3]


def test_entries_sinks_joins_levels_and_children():
    graph = graph_of(a=(), b=("a",), c=("a",), d=("b", "c"), e=("a",), z=())

    assert graph.entries == ("a", "z")
    assert graph.sinks == ("d", "e", "z")
    assert graph.joins == ("d",)
    assert set(graph.children("a")) == {"b", "c", "e"}
    assert [set(level) for level in graph.levels] == [{"a", "z"}, {"b", "c", "e"}, {"d"}]


def test_a_cycle_is_named_by_its_path():
    with pytest.raises(DefinitionError, match="cycle: ") as caught:
        graph_of(a=("c",), b=("a",), c=("b",))

    path = caught.value.data["cycle"]
    assert path[0] == path[-1]
    assert set(path) == {"a", "b", "c"}


def test_unknown_parents_and_double_ids_are_refused():
    with pytest.raises(DefinitionError, match="'a' comes after 'x'"):
        graph_of(a=("x",))
    with pytest.raises(DefinitionError, match="two steps have the id 'a'"):
        ExecutionGraph([Node(id="a", name="a"), Node(id="a", name="a")])


edges = st.lists(st.lists(st.integers(0, 30), max_size=4, unique=True), max_size=15)


@given(edges, st.booleans(), st.sampled_from([None, "null", '{"a":1}']))
def test_a_graph_reads_back_from_its_json(found, conditional, default):
    graph = ExecutionGraph(
        Node(
            id=f"s{index}",
            name=f"Step {index} é",
            parents=tuple(f"s{parent}" for parent in parents if parent < index),
            join=Join.TUPLE,
            conditional=conditional,
            default=default,
            config=ExecutionConfig(max_retries=index, timeout=None),
        )
        for index, parents in enumerate(found)
    )

    again = ExecutionGraph.from_json(graph.to_json())

    assert list(again) == list(graph)
    assert again.fingerprint == graph.fingerprint
    assert again.to_json() == graph.to_json()


def test_what_a_newer_release_wrote_is_ignored():
    text = json.dumps([{"id": "a", "name": "a", "colour": "red"}])

    assert ExecutionGraph.from_json(text).order == ("a",)


def test_exceptions_to_retry_on_are_not_part_of_the_snapshot():
    config = ExecutionConfig(retry_on=(OSError,), no_retry_on=(ValueError,))
    graph = ExecutionGraph([Node(id="a", name="a", config=config)])

    assert graph.to_json() == ExecutionGraph([Node(id="a", name="a")]).to_json()
