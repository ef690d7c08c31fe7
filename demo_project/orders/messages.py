"""What the order workflow's steps hand each other."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, Field


class PlaceOrder(BaseModel):
    """An order as the customer placed it."""

    number: int = Field(
        ge=1,
        le=2_000_000_000,
        description="Its last digit decides how the simulated payment goes: 4 declined, 5 slow, "
        "7 down twice, 9 answer lost, others fine.",
        examples=[1001],
    )
    customer: str = Field(min_length=1, max_length=100, examples=["Ada"])
    sku: str = Field(default="kettle", min_length=1, max_length=40, examples=["kettle"])
    quantity: int = Field(default=1, ge=1, le=100)
    is_gift: bool = False
    gift_message: str = Field(default="", max_length=200)


class CheckedOrder(BaseModel):
    """An order that the shop can fulfil."""

    number: int
    sku: str
    product: str
    quantity: int
    total_cents: int
    is_gift: bool
    gift_message: str


class Receipt(BaseModel):
    charge_id: int
    cents: int
    charged_at: dt.datetime


class Reserved(BaseModel):
    reservation_id: int
    quantity: int
    left_in_stock: int


class Shipment(BaseModel):
    tracking_number: str
    wrapped: bool = False


class Confirmation(BaseModel):
    order_number: int
    tracking_number: str
    text: str
