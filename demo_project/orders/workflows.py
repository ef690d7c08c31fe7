"""Fulfil an order: check it, charge and reserve side by side, ship, wrap a gift, confirm."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from demo_project.orders import payments
from demo_project.orders.messages import (
    CheckedOrder,
    Confirmation,
    PlaceOrder,
    Receipt,
    Reserved,
    Shipment,
)
from demo_project.orders.models import Order, Parcel, Product, Reservation
from demo_project.orders.placing import UnknownProductError, record_order
from gorkflow import NonRetryableError, StepContext, WorkflowBuilder, register, step
from gorkflow.engine.run import Run


@step(atomic=True)
def validate(ctx: StepContext, placed: PlaceOrder) -> CheckedOrder:
    """Look up the product and the price, and write the order down."""
    try:
        order = record_order(placed)
    except UnknownProductError as error:
        raise NonRetryableError(str(error)) from error
    if order.confirmed_at:
        msg = f"order {order.number} was fulfilled before"
        raise NonRetryableError(msg)
    ctx.logger.info("order_checked", order_number=order.number, total_cents=order.total_cents)
    return CheckedOrder(
        number=order.number,
        sku=order.product.sku,
        product=order.product.name,
        quantity=order.quantity,
        total_cents=order.total_cents,
        is_gift=order.is_gift,
        gift_message=order.gift_message,
    )


@step(max_retries=5, retry_delay=0.5, backoff="EXPONENTIAL", timeout=60)
def charge(ctx: StepContext, order: CheckedOrder) -> Receipt:
    """Take the money. A retry asks under the same key, so the customer pays once."""
    try:
        entry = payments.charge(
            idempotency_key=ctx.idempotency_key,
            order_number=order.number,
            cents=order.total_cents,
            while_waiting=partial(_tell_and_check, ctx),
        )
    except payments.CardDeclinedError as error:
        raise NonRetryableError(str(error)) from error
    ctx.logger.info("order_charged", cents=entry.cents, calls=entry.calls)
    assert entry.charged_at
    return Receipt(charge_id=entry.pk, cents=entry.cents, charged_at=entry.charged_at)


def _tell_and_check(ctx: StepContext, fraction: float, note: str) -> None:
    ctx.check_cancelled()
    ctx.progress(fraction, note)


@step(atomic=True)
def reserve(order: CheckedOrder) -> Reserved:
    """Take the goods off the stock. The writes commit with the step: never twice, never half."""
    found = Order.objects.get(number=order.number)
    reservation, created = Reservation.objects.get_or_create(
        order=found, defaults={"quantity": order.quantity}
    )
    if created:
        in_stock = Product.objects.filter(sku=order.sku, stock__gte=order.quantity)
        # One guarded UPDATE: two orders for the last piece cannot both have it.
        if not in_stock.update(stock=F("stock") - order.quantity):
            msg = f"not enough of {order.product} in stock"
            raise NonRetryableError(msg)
    return Reserved(
        reservation_id=reservation.pk,
        quantity=reservation.quantity,
        left_in_stock=Product.objects.get(sku=order.sku).stock,
    )


@step(atomic=True)
def ship(ctx: StepContext, inputs: tuple[Receipt, Reserved]) -> Shipment:
    """Hand the parcel over, now that it is paid for and the goods are there."""
    receipt, reserved = inputs
    order = Order.objects.get(number=ctx.output(validate).number)
    parcel, _ = Parcel.objects.get_or_create(
        order=order, defaults={"tracking_number": f"GK{order.number:010d}"}
    )
    ctx.state["paid"] = f"{receipt.cents / 100:.2f}"
    ctx.state["pieces"] = reserved.quantity
    return Shipment(tracking_number=parcel.tracking_number)


def is_gift(ctx: StepContext) -> bool:
    return ctx.output(validate).is_gift


@step(atomic=True)
def gift_wrap(ctx: StepContext, shipment: Shipment) -> Shipment:
    """Wrap it and add the card. Skipped for other orders: the shipment then passes through."""
    Parcel.objects.filter(tracking_number=shipment.tracking_number).update(
        wrapped=True, card_text=ctx.output(validate).gift_message
    )
    return shipment.model_copy(update={"wrapped": True})


@step(atomic=True)
def confirm(ctx: StepContext, shipment: Shipment) -> Confirmation:
    """Write the confirmation. The demo stores it and sends no mail."""
    order = ctx.output(validate)
    wrapped = ", gift-wrapped," if shipment.wrapped else ""
    text = (
        f"{ctx.state['pieces']} x {order.product}{wrapped} for {ctx.state['paid']} "
        f"is on its way as {shipment.tracking_number}."
    )
    Order.objects.filter(number=order.number).update(confirmed_at=timezone.now())
    return Confirmation(
        order_number=order.number, tracking_number=shipment.tracking_number, text=text
    )


fulfil_order = register(
    WorkflowBuilder(
        "fulfil-order",
        name="Fulfil an order",
        version="1",
        description="Charges (simulated), reserves, ships and confirms one order.",
    )
    .then(validate)
    .parallel(charge, reserve)
    .then(ship)
    .then_if(gift_wrap, when=is_gift)
    .then(confirm)
    .build()
)


def place_order(placed: PlaceOrder, **tags: str) -> Run[Confirmation]:
    """Write the order down and start its run, both or neither.

    The run is a row in the same database, so one transaction covers the two; the workers are told
    once it commits.

    Raises:
        UnknownProductError: nothing was stored.
        ConcurrencyLimitError: a run of this order is under way; nothing was stored.

    """
    with transaction.atomic():
        order = record_order(placed)
        return fulfil_order.start(
            placed,
            resource_id=order.resource_id,
            concurrency_check=True,
            tags={"customer": order.customer, **tags},
        )
