from __future__ import annotations

from typing import Any

import pytest

from gorkflow import PayloadError
from gorkflow.definition.state import RunState


def state_of(**stored: str) -> RunState:
    return RunState(lambda: stored)


def test_values_are_read_as_json_data_and_only_when_asked_for():
    reads: list[int] = []

    def load() -> dict[str, str]:
        reads.append(1)
        return {"seen": "[1,2]"}

    state = RunState(load)

    assert reads == []
    assert state["seen"] == [1, 2]
    assert dict(state) == {"seen": [1, 2]}
    assert reads == [1]


def test_only_what_changed_is_stored():
    state = state_of(kept="1", same="[1]", gone="3", grown="[1]")

    state["same"] = [1]
    state["new"] = {"a": None}
    state["grown"].append(2)
    del state["gone"]

    assert state.changes() == {"new": '{"a":null}', "grown": "[1,2]", "gone": None}
    assert set(state) == {"kept", "same", "new", "grown"}
    assert len(state) == 4


def test_a_name_that_comes_and_goes_leaves_nothing_to_store():
    state = state_of()

    state["a"] = 1
    del state["a"]

    assert state.changes() == {}
    assert "a" not in state
    with pytest.raises(KeyError):
        state["a"]
    with pytest.raises(KeyError):
        del state["a"]


def test_a_deleted_name_may_be_set_again():
    state = state_of(a="1")

    del state["a"]
    state["a"] = 2

    assert state["a"] == 2
    assert state.changes() == {"a": "2"}


@pytest.mark.parametrize("value", [object(), float("nan"), "a\x00b"])
def test_what_cannot_be_stored_is_refused_at_once(value):
    with pytest.raises(PayloadError, match="state 'a'"):
        state_of()["a"] = value


def test_a_value_that_grew_too_large_is_refused_when_it_is_stored():
    state = state_of()
    state["a"] = []
    state["a"].extend(["x" * 100])

    with pytest.raises(PayloadError, match="state 'a' is too large"):
        state.changes(max_bytes=100)


@pytest.mark.parametrize("name", ["", "x" * 201, 3, None])
def test_a_name_is_a_short_text(name: Any):
    with pytest.raises(TypeError, match="1 to 200 characters"):
        state_of()[name] = 1
