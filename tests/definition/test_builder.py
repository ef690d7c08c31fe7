from __future__ import annotations

import dataclasses
import gc
import json
import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr
from typing_extensions import TypedDict

from gorkflow import DefinitionError, ExecutionConfig, StepContext, WorkflowBuilder, step
from gorkflow.definition.graph import Join


class Order(BaseModel):
    sku: str


class Gift(Order):
    card: str = ""


class Receipt(BaseModel):
    amount: int


class Reservation(BaseModel):
    shelf: str


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    charge: Receipt


class Dated(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date


class Login(BaseModel):
    password: SecretStr


class Parcel(BaseModel):
    number: str


@step
def validate(ctx: StepContext, order: Order) -> Order: ...


@step
def charge(ctx: StepContext, order: Order) -> Receipt: ...


@step
async def reserve(order: Order) -> Reservation: ...


@step
def ship(inputs: tuple[Receipt, Reservation]) -> Parcel: ...


@step
def wrap(parcel: Parcel) -> Parcel: ...


@step
def announce(parcel: Parcel) -> str: ...


@step
def free(value): ...


@step
def tick() -> int: ...


def yes(value: Any) -> bool:
    return True


def built(*steps: Any, **options: Any) -> Any:
    return WorkflowBuilder("w", **options).sequence(*steps).build()


def parents(workflow: Any) -> dict[str, tuple[str, ...]]:
    return {node.id: node.parents for node in workflow.graph}


def refused(builder: Any, message: str) -> DefinitionError:
    with pytest.raises(DefinitionError, match=message) as caught:
        builder.build()
    return caught.value


# Shapes


def test_a_chain_runs_in_order():
    workflow = built(validate, charge, free)

    assert parents(workflow) == {"validate": (), "charge": ("validate",), "free": ("charge",)}
    assert [node.join for node in workflow.graph] == [Join.RUN, Join.SINGLE, Join.SINGLE]
    assert (workflow.input_type, workflow.output_type) == (Order, Any)


def test_a_diamond_joins_in_declared_order():
    workflow = WorkflowBuilder("w").then(validate).parallel(charge, reserve).then(ship).build()

    assert workflow.graph["ship"].parents == ("charge", "reserve")
    assert workflow.graph["ship"].join is Join.TUPLE
    assert (workflow.input_type, workflow.output_type) == (Order, Parcel)


def test_parallel_may_come_first_and_its_steps_take_the_runs_input():
    workflow = WorkflowBuilder("w").parallel(charge, reserve).then(ship).build()

    assert workflow.graph.entries == ("charge", "reserve")
    assert workflow.input_type is Order


def test_every_step_of_a_second_parallel_waits_for_all_of_the_first():
    def one(inputs: tuple[Receipt, Reservation]) -> int: ...
    def two(inputs: list[Any]) -> int: ...

    workflow = WorkflowBuilder("w").parallel(charge, reserve).parallel(one, two).build()

    assert workflow.graph["one"].parents == workflow.graph["two"].parents == ("charge", "reserve")


def test_after_wins_over_the_place_in_the_chain():
    late = step(free.handler, id="late", after=("validate", charge))

    workflow = WorkflowBuilder("w").sequence(validate, charge, late).then(tick).build()

    assert workflow.graph["late"].parents == ("validate", "charge")
    assert workflow.graph["tick"].parents == ("late",)


def test_added_steps_stand_where_their_after_says_and_leave_the_chain_alone():
    side = step(charge.handler, id="side", after="validate")
    other_entry = step(tick.handler, id="clock", after=())

    workflow = WorkflowBuilder("w").then(validate).add(side, other_entry).then(reserve).build()

    assert parents(workflow) == {
        "validate": (), "clock": (), "side": ("validate",), "reserve": ("validate",)
    }  # fmt: skip


def test_after_may_name_a_step_that_comes_later():
    early = step(free.handler, id="early", after="charge")

    assert built(early, validate.with_(after=()), charge).graph.order == (
        "validate", "charge", "early"
    )  # fmt: skip


def test_plain_functions_become_steps():
    def double(value: int) -> int: ...

    workflow = WorkflowBuilder("w").then(double).parallel(double.__get__(1), tick).build

    assert built(double).steps["double"].input_type is int
    with pytest.raises(DefinitionError):
        workflow()


def test_a_builder_never_changes():
    base = WorkflowBuilder("w").then(validate)

    one, two = base.then(charge), base.then(reserve)

    assert set(one.build().steps) == {"validate", "charge"}
    assert set(two.build().steps) == {"validate", "reserve"}
    assert set(base.build().steps) == {"validate"}


@given(st.lists(st.lists(st.integers(0, 30), max_size=4, unique=True), min_size=1, max_size=15))
def test_any_dag_can_be_written_with_after(edges):
    wanted = {
        f"s{index}": tuple(f"s{parent}" for parent in found if parent < index)
        for index, found in enumerate(edges)
    }
    steps = [step(free.handler, id=step_id, after=after) for step_id, after in wanted.items()]

    workflow = WorkflowBuilder("w").add(*reversed(steps)).build()

    assert parents(workflow) == wanted


# What build() makes of the rest


def test_step_configs_are_laid_over_the_workflows():
    config = ExecutionConfig(max_retries=7, timeout=5, max_concurrency=2)

    workflow = built(validate, charge.with_(timeout=None), config=config)

    assert workflow.graph["validate"].config.max_retries == 7
    assert workflow.graph["charge"].config.max_retries == 7
    assert workflow.graph["charge"].config.timeout is None
    assert workflow.graph["charge"].config.max_concurrency == 2
    assert workflow.graph["charge"].config.retry_delay == 1.0
    assert workflow.config == config


def test_setters_say_the_same_as_arguments():
    fluent = (
        WorkflowBuilder("w", tags={"a": "1"}, config=ExecutionConfig(jitter=0))
        .describe("What it does")
        .configure(ExecutionConfig(max_retries=1, timeout=3), timeout=4)
        .configure(queue="slow")
        .tag(team="x")
        .with_context({"rate": 2})
        .limit(max_concurrent_runs=3, run_timeout=60)
        .then(validate)
        .build()
    )

    assert fluent.description == "What it does"
    assert fluent.config.set_fields() == {
        "jitter": 0, "max_retries": 1, "timeout": 4, "queue": "slow"
    }  # fmt: skip
    assert fluent.tags == {"a": "1", "team": "x"}
    assert fluent.context == '{"rate":2}'
    assert (fluent.max_concurrent_runs, fluent.run_timeout) == (3, 60)


def test_the_custom_context_keeps_its_model():
    class Shop(BaseModel):
        opened: date

    shop = Shop(opened=date(2024, 1, 1))

    workflow = built(validate, context=shop)

    assert workflow.context_codec.load(workflow.context) == shop
    assert built(validate).context is None


def test_a_workflow_cannot_be_changed():
    workflow = built(validate, tags={"a": "1"})

    with pytest.raises(AttributeError):
        workflow.id = "other"
    for mapping in (workflow.steps, workflow.conditions, workflow.tags):
        with pytest.raises(TypeError):
            mapping["x"] = 1


def test_the_fingerprint_follows_the_graph():
    assert built(validate).graph.fingerprint == built(validate).graph.fingerprint
    assert built(validate).graph.fingerprint != built(validate, charge).graph.fingerprint
    assert built(validate).graph.fingerprint != built(validate, config=ExecutionConfig(
        timeout=1)).graph.fingerprint  # fmt: skip


def test_schemas_are_those_of_the_run():
    workflow = built(validate, charge)

    assert workflow.input_schema()["title"] == "Order"
    assert workflow.output_schema()["title"] == "Receipt"


# Fan-in by id


class ById(BaseModel):
    charge: Receipt
    reserve: Reservation
    note: str = ""


class ByAlias(BaseModel):
    paid: Receipt = Field(alias="charge")


class TypedById(TypedDict):
    charge: Receipt
    reserve: Reservation


@dataclasses.dataclass
class DataById:
    charge: Receipt


class RootById(RootModel[dict[str, Receipt | Reservation]]):
    pass


@pytest.mark.parametrize(
    "wanted",
    [
        ById, ByAlias, TypedById, DataById, RootById, dict, dict[str, Any], ById | None,
        Mapping[str, Receipt | Reservation],
    ],
)  # fmt: skip
def test_models_and_mappings_get_the_outputs_by_step_id(wanted):
    def join(inputs: Any) -> int: ...

    join.__annotations__["inputs"] = wanted

    workflow = WorkflowBuilder("w").parallel(charge, reserve).then(join).build()

    assert workflow.graph["join"].join is Join.BY_ID


@pytest.mark.parametrize(
    "wanted",
    [
        Any, tuple, list, Sequence[BaseModel | Any], tuple[Receipt, Reservation],
        list[Receipt | Reservation], tuple[Any, ...], tuple[Receipt, Reservation] | None,
    ],
)  # fmt: skip
def test_everything_else_gets_them_in_order(wanted):
    def join(inputs: Any) -> int: ...

    join.__annotations__["inputs"] = wanted

    workflow = WorkflowBuilder("w").parallel(charge, reserve).then(join).build()

    assert workflow.graph["join"].join is Join.TUPLE


def test_a_join_without_input_has_a_shape_all_the_same():
    workflow = WorkflowBuilder("w").parallel(charge, reserve).then(tick).build()

    assert workflow.graph["tick"].join is Join.TUPLE


# Conditional steps


def test_a_skipped_step_hands_on_its_input_where_the_types_are_the_same():
    def optional_ship() -> Parcel: ...
    def wrap_any(parcel: Parcel | None) -> Parcel: ...

    builder = WorkflowBuilder("w").parallel(charge, reserve).then(ship)

    for handler, passes in (
        (wrap, True),
        (announce, False),
        (optional_ship, True),
        (wrap_any, True),
    ):
        made = step(handler, id="last")
        assert builder.then_if(made, when=yes).build().graph["last"].passes_through is passes


def test_a_default_is_kept_as_json_and_ends_the_passing_through():
    def node(**options: Any) -> Any:
        builder = WorkflowBuilder("w").parallel(charge, reserve).then(ship)
        return builder.then_if(wrap, when=yes, **options).build().graph["wrap"]

    assert node().default is None
    assert node().passes_through
    assert node(default=None).default == "null"
    assert node(default=Parcel(number="0")).default == '{"number":"0"}'
    assert node(default={"number": "0"}).default == '{"number":"0"}'
    assert not node(default=None).passes_through


def test_a_default_that_does_not_fit_is_refused():
    builder = WorkflowBuilder("w").then_if(wrap, when=yes, default=Receipt(amount=1))

    error = refused(builder, "the default of step 'wrap' is not valid")

    assert error.data["step_id"] == "wrap"


def test_then_if_may_follow_a_fan_in():
    workflow = WorkflowBuilder("w").parallel(charge, reserve).then_if(ship, when=yes).build()

    assert workflow.graph["ship"].conditional
    assert workflow.graph["ship"].join is Join.TUPLE


@pytest.mark.parametrize(
    "when",
    [
        lambda ctx, parcel: ctx == "ctx" and parcel == Parcel(number="1"),
        lambda c, parcel: c == "ctx" and parcel.number == "1",
        lambda parcel: parcel.number == "1",
        lambda ctx: ctx == "ctx",
        lambda: True,
        lambda parcel: [1],
    ],
)
def test_a_condition_takes_context_value_both_or_none(when):
    condition = WorkflowBuilder("w").then_if(wrap, when=when).build().conditions["wrap"]

    assert condition.evaluate("ctx", Parcel(number="1")) is True


def test_a_condition_with_a_type_of_its_own_gets_it():
    def is_new(value: Dated) -> bool:
        return value.day == date(2024, 1, 1)

    workflow = WorkflowBuilder("w").then_if(tick, when=is_new).build()

    assert workflow.conditions["tick"].evaluate(None, {"day": "2024-01-01"}) is True
    assert workflow.input_type is Dated


def test_the_condition_of_a_step_without_input_decides_the_join():
    def is_paid(inputs: ById) -> bool: ...

    workflow = WorkflowBuilder("w").parallel(charge, reserve).then_if(tick, when=is_paid).build()

    assert workflow.graph["tick"].join is Join.BY_ID


def test_a_condition_that_asks_for_another_type_is_refused():
    def is_paid(receipt: Receipt) -> bool: ...

    refused(
        WorkflowBuilder("w").then_if(wrap, when=is_paid),
        "the condition of step 'wrap' takes Receipt, but the step's input is Parcel",
    )


def test_an_async_condition_is_refused():
    async def later(parcel: Parcel) -> bool: ...

    refused(WorkflowBuilder("w").then_if(wrap, when=later), "the condition of step 'wrap' is async")


# Types of a run


def test_the_runs_input_is_the_narrowest_its_entry_steps_ask_for():
    def any_order(order: Order | None) -> int: ...
    def gift(gift: Gift) -> int: ...

    workflow = WorkflowBuilder("w").parallel(any_order, charge, gift, free, tick).build()

    assert workflow.input_type is Gift


def test_steps_that_ask_for_nothing_take_any_input():
    assert built(tick).input_type is Any


def test_several_last_steps_put_out_a_mapping_by_step_id():
    workflow = WorkflowBuilder("w").parallel(charge, reserve.with_(id="the shelf")).build()

    output = workflow.output_codec.load('{"charge": {"amount": 1}, "the shelf": {"shelf": "a"}}')

    assert output == {"charge": Receipt(amount=1), "the shelf": Reservation(shelf="a")}


def test_a_skipped_last_step_shows_what_came_before_it():
    builder = WorkflowBuilder("w").parallel(charge, reserve).then(ship)

    looked_through = builder.then_if(announce, when=yes).build().output_codec
    with_default = builder.then_if(announce, when=yes, default=None).build().output_codec
    twice = builder.then_if(announce, when=yes).then_if(tick, when=yes).build().output_codec

    assert looked_through.load('"done"') == "done"
    assert looked_through.load('{"number": "1"}') == Parcel(number="1")
    assert with_default.load("null") is None
    assert [twice.load(text) for text in ('{"number": "1"}', '"a"', "1")] == [
        Parcel(number="1"), "a", 1
    ]  # fmt: skip


def test_a_skipped_join_shows_its_parents_by_id():
    workflow = WorkflowBuilder("w").parallel(charge, reserve).then_if(ship, when=yes).build()

    output = workflow.output_codec.load('{"charge": {"amount": 1}, "reserve": {"shelf": "a"}}')

    assert output["charge"] == Receipt(amount=1)


def test_the_output_may_be_none_where_a_failed_last_step_is_tolerated():
    assert built(charge.with_(continue_on_error=True)).output_codec.load("null") is None


def test_unvalidated_steps_leave_the_runs_payloads_unvalidated():
    workflow = built(charge.with_(validate=False))

    assert workflow.input_codec.load("1") == 1
    assert workflow.output_codec.load("1") == 1


# What build() refuses


def test_a_chain_that_does_not_meet_is_refused_with_steps_and_types():
    error = refused(
        WorkflowBuilder("w").then(validate).then(wrap),
        "step 'wrap' takes Parcel, but 'validate' before it puts out Order",
    )

    assert error.data["step_id"] == "wrap"


def test_a_step_after_a_fan_in_has_to_take_all_outputs():
    refused(
        WorkflowBuilder("w").parallel(charge, reserve).then(announce.with_(after=None)),
        "step 'announce' takes Parcel, whose field 'number' is the id of no step before it",
    )

    def one(receipt: int) -> None: ...

    refused(
        WorkflowBuilder("w").parallel(charge, reserve).then(one),
        r"takes int, but it comes after 'charge', 'reserve' and gets all.*"
        r"tuple\[Receipt, Reservation\]",
    )


def test_a_tuple_of_the_wrong_length_is_refused():
    refused(
        WorkflowBuilder("w").parallel(charge, reserve, tick).then(ship),
        r"takes tuple\[Receipt, Reservation\], 2 values, but it comes after 3 steps",
    )


def test_a_tuple_in_the_wrong_order_is_refused():
    refused(
        WorkflowBuilder("w").parallel(reserve, charge).then(ship),
        "'reserve' before it puts out Reservation, where Receipt is taken",
    )


def test_a_list_of_the_wrong_items_is_refused():
    def join(inputs: list[Receipt]) -> None: ...

    refused(
        WorkflowBuilder("w").parallel(charge, reserve).then(join),
        r"takes list\[Receipt\], but 'reserve' before it puts out Reservation",
    )


def test_a_missing_key_is_refused():
    def join(inputs: ById) -> None: ...

    refused(
        WorkflowBuilder("w").parallel(charge, tick).then(join),
        "takes ById, whose field 'reserve' is the id of no step before it; .*'charge', 'tick'",
    )


def test_a_field_of_the_wrong_type_is_refused():
    def join(inputs: ById) -> None: ...

    refused(
        WorkflowBuilder("w").parallel(charge, tick.with_(id="reserve")).then(join),
        "takes ById, but 'reserve' before it puts out int, where Reservation is taken",
    )


def test_a_key_too_many_for_a_strict_model_is_refused():
    def join(inputs: Strict) -> None: ...

    refused(WorkflowBuilder("w").parallel(charge, reserve).then(join), "has no field for 'reserve'")


def test_a_mapping_of_other_values_is_refused():
    def join(inputs: dict[str, Receipt]) -> None: ...

    refused(WorkflowBuilder("w").parallel(charge, reserve).then(join), "where Receipt is taken")


def test_entry_steps_that_disagree_are_refused():
    refused(
        WorkflowBuilder("w").parallel(charge, wrap),
        "'charge' and 'wrap' both take the run's input, but one takes Order and the other Parcel",
    )


def test_two_types_with_one_name_are_told_apart():
    other = type("Order", (BaseModel,), {"__module__": "elsewhere"})

    def take(order: Any) -> None: ...

    take.__annotations__["order"] = other

    refused(WorkflowBuilder("w").then(validate).then(take), r"takes elsewhere\.Order.*test_builder")


def test_a_cycle_is_refused_with_its_path():
    one = step(free.handler, id="one", after="three")
    two = step(free.handler, id="two", after="one")
    three = step(free.handler, id="three", after="two")

    error = refused(WorkflowBuilder("w").add(one, two, three), "cycle: ")

    assert len(error.data["cycle"]) == 4


def test_a_step_after_itself_is_a_cycle():
    refused(WorkflowBuilder("w").add(step(free.handler, id="a", after="a")), "cycle: a -> a")


def test_a_step_used_twice_is_refused():
    refused(WorkflowBuilder("w").sequence(validate, validate), r"the id 'validate'.*with_\(id=")


def test_an_empty_workflow_is_refused():
    refused(WorkflowBuilder("w"), "has no steps")


def test_an_unknown_step_in_after_is_refused_with_the_nearest_id():
    late = step(free.handler, id="late", after="chrage")

    refused(
        WorkflowBuilder("w").sequence(validate, charge, late),
        "'late' comes after 'chrage', which is not in the workflow; did you mean 'charge'",
    )


def test_add_wants_steps_that_say_where_they_stand():
    with pytest.raises(DefinitionError, match="step 'tick' has no after="):
        WorkflowBuilder("w").add(tick)


def test_parallel_wants_steps():
    with pytest.raises(DefinitionError, match="at least one step"):
        WorkflowBuilder("w").parallel()


def test_a_secret_in_a_type_is_refused_by_step_and_field():
    def sign_in(login: Login) -> None: ...

    refused(WorkflowBuilder("w").then(sign_in), "input of step 'sign_in': field 'password'")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": ""}, "a workflow id must have 1 to 200"),
        ({"id": "a\nb"}, "a workflow id must have no control"),
        ({"id": "x" * 201}, "a workflow id"),
        ({"version": ""}, "the version of workflow 'w'"),
        ({"version": 2}, "the version of workflow 'w' must be text"),
        ({"version": "1" * 51}, "1 to 50"),
        ({"name": ""}, "the name of workflow 'w'"),
        ({"description": None}, "the description of workflow 'w' must be str"),
        ({"config": {"max_retries": 1}}, "the config of workflow 'w' must be ExecutionConfig"),
        ({"tags": {"a": 1}}, "the tags of workflow 'w'"),
        ({"tags": {str(index): "" for index in range(51)}}, "the tags of workflow 'w'"),
        ({"max_concurrent_runs": 0}, "max_concurrent_runs of workflow 'w' must be at least 1"),
        ({"max_concurrent_runs": True}, "max_concurrent_runs"),
        ({"run_timeout": 0}, "run_timeout of workflow 'w'"),
        ({"run_timeout": float("inf")}, "run_timeout of workflow 'w'"),
        (
            {"run_timeout": 3661 * 86_400},
            "run_timeout of workflow 'w' .* up to 3660 days",
        ),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(DefinitionError, match=message):
        WorkflowBuilder(**{"id": "w", **arguments})


def test_a_wrong_workflow_config_field_is_refused_with_the_nearest_name():
    with pytest.raises(DefinitionError, match="did you mean 'max_concurrency'"):
        WorkflowBuilder("w").configure(max_concurency=1)
    with pytest.raises(DefinitionError, match="workflow 'w': max_concurrency"):
        WorkflowBuilder("w").configure(max_concurrency=0)


@pytest.mark.parametrize("context", [object(), float("nan"), {"a": SecretStr("x")}])
def test_a_context_that_is_no_json_is_refused(context):
    refused(WorkflowBuilder("w", context=context).then(validate), "context of workflow 'w'")


# Size


def test_ten_thousand_steps_in_a_chain_build_in_a_moment():
    def build(count: int) -> float:
        began = time.process_time()
        builder: Any = WorkflowBuilder("w")
        for index in range(count):
            builder = builder.then(validate.with_(id=f"s{index}"))
        assert len(builder.build().graph) == count
        return time.process_time() - began

    # Collections look at all that other tests have left, which has nothing to do with the count.
    gc.disable()
    try:
        small, large = (min(build(count) for _ in range(3)) for count in (1_000, 10_000))
    finally:
        gc.enable()

    assert large < 40 * small, "ten times the steps, a hundred times the time"


def test_a_thousand_branches_build_in_a_moment():
    def join(orders: list[Order]) -> Order: ...

    branches = [validate.with_(id=f"s{index}") for index in range(1_000)]
    began = time.process_time()

    workflow = WorkflowBuilder("w").then(validate).parallel(*branches).then(join).build()

    assert len(workflow.graph["join"].parents) == 1_000
    assert time.process_time() - began < 2
    assert json.loads(workflow.graph.to_json())[-1]["id"] == "join"
