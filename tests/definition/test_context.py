from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from gorkflow import NotFoundError, StepCancelled, StepContext, WorkflowBuilder, step


class Receipt(BaseModel):
    amount: int


class Settings(BaseModel):
    rate: float


@step
def charge(order: int) -> Receipt: ...


@step
def ship(receipt: Receipt) -> None: ...


WORKFLOW = WorkflowBuilder("w", context=Settings(rate=1.5)).sequence(charge, ship).build()


class Link:
    def __init__(self, **outputs: str | None) -> None:
        self.outputs = outputs
        self.reported: list[Any] = []
        self.cancelled = False

    def load_output(self, step_id: str) -> str | None:
        if step_id not in self.outputs:
            raise NotFoundError(step_id)
        return self.outputs[step_id]

    def load_input(self) -> str:
        return "3"

    def load_context(self) -> str | None:
        return WORKFLOW.context

    def load_state(self) -> dict[str, str]:
        return {"a": "1"}

    def report(self, fraction: float, note: str) -> None:
        self.reported.append((fraction, note))

    def is_cancelled(self) -> bool:
        return self.cancelled


def context_of(link: Link) -> StepContext:
    return StepContext(
        run_id=UUID(int=1),
        workflow=WORKFLOW,
        step_id="ship",
        attempt=2,
        map_index=0,
        logger=SimpleNamespace(),
        link=link,
    )


def test_outputs_of_earlier_steps_come_in_their_type():
    ctx = context_of(Link(charge='{"amount": 1}'))

    assert ctx.output(charge) == ctx.output("charge") == Receipt(amount=1)
    assert ctx.has_output(charge)


@pytest.mark.parametrize("stored", [None, "null"])
def test_the_output_of_a_skipped_step_is_none_whatever_its_type(stored):
    ctx = context_of(Link(charge=stored))

    assert ctx.output(charge) is None
    assert not ctx.has_output("charge")


def test_outputs_of_steps_that_are_not_over_or_do_not_exist_are_not_found():
    ctx = context_of(Link())

    with pytest.raises(NotFoundError):
        ctx.output(charge)
    with pytest.raises(NotFoundError, match="workflow 'w' has no step 'nothing'"):
        ctx.output("nothing")
    assert not ctx.has_output(charge)


def test_input_context_and_state_are_those_of_the_run():
    ctx = context_of(Link())

    assert ctx.input == 3
    assert ctx.context == Settings(rate=1.5)
    assert ctx.state["a"] == 1


def test_the_idempotency_key_does_not_change_with_the_attempt():
    assert context_of(Link()).idempotency_key == f"{UUID(int=1)}:ship:0"


def test_progress_is_clamped():
    link = Link()
    ctx = context_of(link)

    ctx.progress(1.5, "far")
    ctx.progress(-1)

    assert link.reported == [(1.0, "far"), (0.0, "")]


def test_a_cancelled_attempt_is_told_so():
    link = Link()
    ctx = context_of(link)
    ctx.check_cancelled()

    link.cancelled = True

    assert ctx.cancelled
    with pytest.raises(StepCancelled):
        ctx.check_cancelled()
