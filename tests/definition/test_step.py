from __future__ import annotations

import asyncio
import functools
import inspect

import pytest
from pydantic import BaseModel

from gorkflow import Backoff, DefinitionError, ExecutionConfig, Step, StepContext, step
from gorkflow.definition.step import StepOptions


class Order(BaseModel):
    sku: str


class Receipt(BaseModel):
    amount: int


def charge(ctx: StepContext, order: Order) -> Receipt:
    """Take the money.

    And more.
    """
    return Receipt(amount=len(order.sku))


def test_a_bare_decorator_reads_everything_from_the_function():
    made = step(charge)

    assert isinstance(made, Step)
    assert (made.id, made.name, made.description) == ("charge", "Charge", "Take the money.")
    assert (made.input_type, made.output_type) == (Order, Receipt)
    assert (made.takes_ctx, made.takes_input, made.is_async) == (True, True, False)
    assert made.validate
    assert not made.atomic
    assert made.after is None
    assert made.config.set_fields() == {}


def test_options_become_a_config_with_only_the_given_fields():
    @step(max_retries=5, backoff="EXPONENTIAL", timeout=20, retry_on=OSError, id="x y", atomic=True)
    def handler() -> None: ...

    assert handler.id == "x y"
    assert handler.atomic
    assert handler.config.set_fields() == {
        "max_retries": 5,
        "backoff": Backoff.EXPONENTIAL,
        "timeout": 20.0,
        "retry_on": (OSError,),
    }


def test_every_config_field_but_the_workflows_own_is_an_option():
    assert set(ExecutionConfig.model_fields) - set(StepOptions.__annotations__) == {
        "max_concurrency"
    }


def test_a_plain_call_makes_a_step_and_leaves_the_function_alone():
    made = step(charge, max_retries=1)

    assert made.config.max_retries == 1
    assert inspect.isfunction(charge)


def test_a_step_is_still_callable_and_looks_like_its_function():
    made = step(charge)

    assert made(None, Order(sku="abc")) == Receipt(amount=3)
    assert made.__name__ == "charge"
    assert made.__doc__.startswith("Take the money.")
    assert list(inspect.signature(made).parameters) == ["ctx", "order"]


def test_an_async_step_gives_an_awaitable():
    @step
    async def handler(order: Order) -> Receipt:
        return Receipt(amount=1)

    assert handler.is_async
    assert handler.output_type is Receipt
    assert asyncio.run(handler(Order(sku="a"))) == Receipt(amount=1)


def test_a_step_cannot_be_changed():
    with pytest.raises(AttributeError):
        step(charge).id = "other"


def test_with_makes_a_changed_copy():
    first = step(charge, max_retries=1, retry_on=(OSError,), validate=False, after=("a",))

    second = first.with_(id="charge-again", timeout=None)

    assert (first.id, second.id) == ("charge", "charge-again")
    assert second.name == "Charge again"
    assert second.config.set_fields() == {
        "max_retries": 1, "retry_on": (OSError,), "timeout": None
    }  # fmt: skip
    assert not second.validate
    assert second.after == ("a",)
    assert second.input_codec.what == "input of step 'charge-again'"
    assert first.with_(name="Mine").with_(id="b").name == "Mine"


def test_a_step_of_a_step_is_a_changed_copy():
    assert step(step(charge, max_retries=1), id="b").config.max_retries == 1


def test_after_takes_steps_ids_and_functions_one_or_many():
    other = step(charge)

    assert step(charge, id="x", after=other).after == ("charge",)
    assert step(charge, id="x", after="a b").after == ("a b",)
    assert step(charge, id="x", after=[other, "b"]).after == ("charge", "b")
    assert step(charge, id="x", after=charge).after == ("charge",)
    assert step(charge, id="x", after=()).after == ()


@pytest.mark.parametrize(
    "handler", [functools.partial(charge, None), functools.partial(functools.partial(charge))]
)
def test_a_partial_is_called_after_its_function(handler):
    assert step(handler).id == "charge"
    assert step(handler).description == "Take the money."


@pytest.mark.parametrize("step_id", ["a", "é", 'it\'s "quoted"', "🎁 wrap", "x" * 200, "a/b.c-d"])
def test_ids_may_be_any_text(step_id):
    assert step(charge, id=step_id).id == step_id


@pytest.mark.parametrize(
    ("step_id", "message"),
    [
        ("", "1 to 200 characters, not 0"),
        ("x" * 201, "1 to 200 characters, not 201"),
        ("a\nb", "no control characters"),
        ("a\x00", "no control characters"),
        ("a\x7f", "no control characters"),
        ("\ud800", "no control characters"),
        (3, "text, not int"),
        (None, "text, not NoneType"),
    ],
)
def test_bad_ids_are_refused(step_id, message):
    with pytest.raises(DefinitionError, match=f"^a step id must.*{message}"):
        step(charge, id=step_id)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_retry": 3}, "no option 'max_retry'; did you mean 'max_retries'?"),
        ({"xyz": 3}, "no option 'xyz'$"),
        ({"max_concurrency": 3}, "is the workflow's"),
        ({"max_retries": -1}, "step 'charge': max_retries: Input should be greater"),
        ({"timeout": 0}, "step 'charge': timeout"),
        ({"backoff": "SOMETIMES"}, "step 'charge': backoff"),
        ({"retry_on": "OSError"}, "step 'charge': retry_on"),
        ({"name": ""}, "the name of step 'charge' must have 1 to 200"),
        ({"after": 3}, "after= takes steps or their ids, not 3"),
        ({"after": [3]}, "must be a function"),
        ({"after": ("a", "a")}, "names 'a' twice"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(DefinitionError, match=message):
        step(charge, **options)


def test_an_unknown_option_is_refused_before_there_is_a_function():
    with pytest.raises(DefinitionError, match="did you mean 'timeout'"):
        step(time_out=3)


def test_a_lambda_needs_an_id():
    with pytest.raises(DefinitionError, match="a lambda has no name"):
        step(lambda order: order)

    assert step(lambda order: order, id="same").takes_input
