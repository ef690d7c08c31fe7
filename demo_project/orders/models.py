"""What the shop knows about an order, and the ledger of its simulated payment provider."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models


class Product(models.Model):
    sku = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    price_cents = models.PositiveIntegerField()
    stock = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("sku",)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    number = models.PositiveIntegerField(unique=True)
    customer = models.CharField(max_length=100)
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="orders")
    quantity = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    total_cents = models.PositiveIntegerField()
    is_gift = models.BooleanField(default=False)
    gift_message = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-number",)

    def __str__(self) -> str:
        return f"Order {self.number}"

    @property
    def resource_id(self) -> str:
        """The name under which its runs are listed."""
        return f"order-{self.number}"

    @property
    def total(self) -> str:
        return f"{self.total_cents / 100:,.2f}"


class Reservation(models.Model):
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="reservation")
    quantity = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.quantity} for {self.order}"


class Parcel(models.Model):
    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="parcel")
    tracking_number = models.CharField(max_length=20, unique=True)
    wrapped = models.BooleanField(default=False)
    card_text = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.tracking_number


class SimulatedCharge(models.Model):
    """The provider's own books; a real provider keeps them on its side of the network."""

    idempotency_key = models.CharField(max_length=300, unique=True)
    order_number = models.PositiveIntegerField()
    cents = models.PositiveIntegerField()
    calls = models.PositiveIntegerField(default=0)
    """How often it was asked, the failed times included."""
    charged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.cents} cents for order {self.order_number}"
