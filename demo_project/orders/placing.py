"""Write an order down, whether a customer placed it or a run was started by hand."""

from __future__ import annotations

from demo_project.orders.messages import PlaceOrder
from demo_project.orders.models import Order, Product


class UnknownProductError(LookupError):
    """The shop has no such product."""


def record_order(placed: PlaceOrder) -> Order:
    """Store the order with the price of today; an order of that number is brought up to date.

    Raises:
        UnknownProductError: the product is not in the catalogue.

    """
    product = Product.objects.filter(sku=placed.sku).first()
    if product is None:
        msg = f"there is no product {placed.sku!r}"
        raise UnknownProductError(msg)
    order, _ = Order.objects.update_or_create(
        number=placed.number,
        defaults={
            "customer": placed.customer,
            "product": product,
            "quantity": placed.quantity,
            "total_cents": product.price_cents * placed.quantity,
            "is_gift": placed.is_gift,
            "gift_message": placed.gift_message,
        },
    )
    return order
