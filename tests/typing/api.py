"""README: this file is checked, never run.

mypy --strict (with warn_unused_ignores) and pyright read it in CI. `assert_type` pins what a user's
editor shows; every `# type: ignore[code]` is an error that a user must get: if the error goes away,
the ignore is unused and the check fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

from pydantic import BaseModel

from gorkflow import Step, StepContext, Workflow, WorkflowBuilder, register, step

if TYPE_CHECKING:
    from gorkflow.engine.run import Run


class Order(BaseModel):
    sku: str


class GiftOrder(Order):
    card: str


class Receipt(BaseModel):
    amount: int


class Reservation(BaseModel):
    shelf: str


class Parcel(BaseModel):
    number: str


class Letter(BaseModel):
    text: str


# Steps: with and without ctx, sync and async, decorated with and without options, called.


@step
def validate(ctx: StepContext, order: Order) -> Order:
    return order


@step(max_retries=5, backoff="EXPONENTIAL", timeout=20, retry_on=(OSError,))
def charge(ctx: StepContext, order: Order) -> Receipt:
    raise NotImplementedError


@step(atomic=True)
async def reserve(ctx: StepContext, order: Order) -> Reservation:
    raise NotImplementedError


@step
def ship(inputs: tuple[Receipt, Reservation]) -> Parcel:
    raise NotImplementedError


@step
async def wrap(parcel: Parcel) -> Parcel:
    raise NotImplementedError


@step(after=(charge, "reserve"))
def report(ctx: StepContext) -> Letter:
    raise NotImplementedError


@step
def tick() -> int:
    return 1


def plain(ctx: StepContext, parcel: Parcel, *, loud: bool = False) -> Letter:
    raise NotImplementedError


def is_gift(ctx: StepContext, parcel: Parcel) -> bool:
    raise NotImplementedError


def is_heavy(parcel: Parcel) -> bool:
    raise NotImplementedError


def is_monday(ctx: StepContext) -> bool:
    raise NotImplementedError


assert_type(validate, Step[Order, Order])
assert_type(charge, Step[Order, Receipt])
assert_type(reserve, Step[Order, Reservation])
assert_type(ship, Step[tuple[Receipt, Reservation], Parcel])
assert_type(wrap, Step[Parcel, Parcel])
assert_type(report, Step[Any, Letter])
assert_type(tick, Step[Any, int])
write = step(plain, max_retries=1)
assert_type(write, Step[Parcel, Letter])
assert_type(charge.with_(id="charge-again", timeout=None), Step[Order, Receipt])

step(plain, max_retry=1)  # type: ignore[call-overload]  # no such option
step(max_retry=1)  # type: ignore[call-overload]
step(timeout="20")  # type: ignore[call-overload]
step(backoff="SOMETIMES")  # type: ignore[call-overload]


# A step is still a function.


def call_handlers(ctx: StepContext, order: Order, receipt: Receipt) -> None:
    assert_type(charge(ctx, order), Receipt)
    assert_type(tick(), int)
    charge(ctx, receipt)  # type: ignore[call-overload]


# A step that takes a base class takes what is derived from it, and not the other way round.


def variance(gift: Step[GiftOrder, Receipt]) -> None:
    narrower: Step[GiftOrder, Receipt] = charge
    wider: Step[Order, Receipt] = gift  # type: ignore[assignment]
    base: Step[Order, BaseModel] = charge


# Chains.

one = WorkflowBuilder("one").then(validate)
assert_type(one, WorkflowBuilder[Order, Order])
both = one.parallel(charge, reserve)
assert_type(both, WorkflowBuilder[Order, tuple[Receipt, Reservation], dict[str, Any]])
shipped = both.then(ship)
assert_type(shipped, WorkflowBuilder[Order, Parcel])
assert_type(shipped.build(), Workflow[Order, Parcel])
assert_type(register(shipped.build()), Workflow[Order, Parcel])
assert_type(
    WorkflowBuilder("p").parallel(charge, reserve).then(ship).build(), Workflow[Order, Parcel]
)

one.then(ship)  # type: ignore[arg-type]  # takes a tuple, gets an Order
shipped.then(charge)  # type: ignore[arg-type]  # takes an Order, gets a Parcel
shipped.parallel(wrap, charge)  # type: ignore[arg-type]
WorkflowBuilder("p").parallel(charge, wrap).then(ship)  # type: ignore[arg-type]
one.parallel(reserve, charge).then(ship)  # type: ignore[arg-type]  # in the other order

# A sequence is the same as several times then.

assert_type(WorkflowBuilder("s").sequence(validate, charge), WorkflowBuilder[Order, Receipt])
assert_type(both.sequence(ship, wrap, write), WorkflowBuilder[Order, Letter])
WorkflowBuilder("s").sequence(charge, ship)  # type: ignore[misc]
both.sequence(ship, charge)  # type: ignore[misc]

# The output of several last steps is a dict by step id; of an unknown number, a tuple of anything.

assert_type(both.build(), Workflow[Order, dict[str, Any]])
many: list[Step[Order, Receipt]] = []
assert_type(one.parallel(*many), WorkflowBuilder[Order, tuple[Any, ...], dict[str, Any]])
assert_type(one.parallel(*many).build(), Workflow[Order, dict[str, Any]])
assert_type(one.add(report).build(), Workflow[Order, Any])

# Conditional steps: the same types, with a default, without.

assert_type(shipped.then_if(wrap, when=is_heavy), WorkflowBuilder[Order, Parcel])
assert_type(
    shipped.then_if(write, when=is_gift, default=None), WorkflowBuilder[Order, Letter | None]
)
assert_type(
    shipped.then_if(write, when=is_monday, default=Letter(text="-")), WorkflowBuilder[Order, Letter]
)
assert_type(
    shipped.then_if(write, when=is_gift), WorkflowBuilder[Order, Letter | None, Letter | Parcel]
)
assert_type(shipped.then_if(write, when=is_gift).build(), Workflow[Order, Letter | Parcel])
shipped.then_if(wrap, when=lambda parcel: parcel.number == "1")
shipped.then_if(wrap, when=lambda ctx, parcel: ctx.attempt == 1)
shipped.then_if(charge, when=is_gift)  # type: ignore[arg-type]
one.then_if(charge, when=is_gift)  # type: ignore[arg-type]  # asks for a Parcel
first = WorkflowBuilder("i").then_if(wrap, when=is_heavy)
assert_type(first, WorkflowBuilder[Parcel, Parcel])

# Everything else about a builder keeps its types.

assert_type(
    shipped.describe("...").configure(max_retries=1).tag(team="a").with_context({}).limit(),
    WorkflowBuilder[Order, Parcel],
)

# Starting, and reading outputs by step.


def start(workflow: Workflow[Order, Parcel]) -> None:
    run = workflow.start(Order(sku="1"), resource_id="order-1", tags={"tenant": "acme"})
    assert_type(run, "Run[Parcel]")
    workflow.start(Receipt(amount=1))  # type: ignore[arg-type]
    workflow.start(Order(sku="1"), resource="order-1")  # type: ignore[call-arg]


async def start_in_async_code(workflow: Workflow[Order, Parcel]) -> None:
    run = await workflow.astart(Order(sku="1"), resource_id="order-1")
    assert_type(await run.await_(timeout=1), "Run[Parcel]")
    assert_type(await run.aoutput(), Parcel)
    assert_type(await run.acancel("why", actor="who"), "Run[Parcel]")
    await run.acancel("why", who="who")  # type: ignore[call-arg]
    await workflow.astart(Receipt(amount=1))  # type: ignore[arg-type]


def read(ctx: StepContext) -> None:
    assert_type(ctx.output(charge), Receipt)
    assert_type(ctx.output(reserve), Reservation)
    assert_type(ctx.output("charge"), Any)
    ctx.output(1)  # type: ignore[call-overload]
