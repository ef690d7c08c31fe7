"""What a step takes that comes after one whose failure is tolerated."""

from typing import Any, NotRequired

import pytest
from pydantic import BaseModel
from typing_extensions import TypedDict

from gorkflow import WorkflowBuilder, step
from gorkflow.errors import DefinitionError


@step
def sure(n: int) -> int:
    return n


@step(continue_on_error=True)
def shaky(n: int) -> int:
    return n


class Needing(BaseModel):
    sure: int
    shaky: int | None


class Content(BaseModel):
    sure: int
    shaky: int = 0


class NeedingDict(TypedDict):
    sure: int
    shaky: int


class ContentDict(TypedDict):
    sure: int
    shaky: NotRequired[int]


def taking(kind):
    def join(inputs):
        return None

    join.__annotations__["inputs"] = kind
    return step(join)


def after_both(kind):
    return WorkflowBuilder("w").parallel(sure, shaky).then(taking(kind))


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (Needing, "give the field 'shaky' a default"),
        (NeedingDict, "give the field 'shaky' a default"),
        (tuple[int, int], r"take int \| None there"),
        (list[int], r"take int \| None there"),
    ],
)
def test_a_join_that_needs_it_is_refused(kind, remedy):
    with pytest.raises(DefinitionError, match=f"'shaky' before it may fail and.*{remedy}"):
        after_both(kind).build()


@pytest.mark.parametrize(
    "kind",
    [
        Content,
        ContentDict,
        Needing | Content,
        dict[str, int],
        tuple[int, int | None],
        list[int | None],
        tuple[Any, ...],
        Any,
    ],
)
def test_a_join_that_can_do_without_it_is_built(kind):
    assert after_both(kind).build().graph["join"].parents == ("sure", "shaky")


def test_a_single_step_after_it_has_to_take_none():
    with pytest.raises(DefinitionError, match=r"step 'sure' takes int, .*: take int \| None$"):
        WorkflowBuilder("w").then(shaky).then(sure).build()

    WorkflowBuilder("w").then(shaky).then(taking(int | None)).build()


def test_the_workflows_config_counts_too():
    with pytest.raises(DefinitionError, match="continue_on_error"):
        WorkflowBuilder("w").sequence(sure, sure.with_(id="b")).configure(
            continue_on_error=True
        ).build()
