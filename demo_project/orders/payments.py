"""A SIMULATED payment provider: no money moves and nothing leaves this machine.

What it does depends on the last digit of the order number alone, so that every outcome can be
called up at will:

| Digit | What happens |
| --- | --- |
| 4 | the card is declined, for good |
| 5 | the bank takes its time: the customer confirms after about 20 seconds |
| 7 | the provider is down twice, then works |
| 9 | the money is taken, but the answer is lost: only the next call learns of it |
| other | the charge goes through at once |

Like the real ones it takes an idempotency key: however often a charge is asked for under one key,
it is made once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db.models import F
from django.utils import timezone

from demo_project.orders.models import SimulatedCharge

OUTAGES = 2
LATENCY = 0.2
"""Seconds one call takes."""
SLOW_BANK = 20.0
"""Seconds until the customer confirms."""
POLL = 0.2

DECLINED, SLOW, FLAKY, LOST_ANSWER = 4, 5, 7, 9

WhileWaiting = Callable[[float, str], None]
"""Called with how far the wait is (0.0 to 1.0) and a note; may raise to give up."""


class ProviderDownError(ConnectionError):
    """The provider could not be reached, or its answer was lost. Trying again may help."""


class CardDeclinedError(Exception):
    """The bank says no. Trying again does not help."""


def charge(
    *, idempotency_key: str, order_number: int, cents: int, while_waiting: WhileWaiting
) -> SimulatedCharge:
    """Take the money, once for each key.

    Raises:
        ProviderDownError: no answer; the charge may or may not have been made.
        CardDeclinedError: the bank refuses.

    """
    time.sleep(LATENCY)
    entry = _ask(idempotency_key, order_number, cents)
    if entry.charged_at:
        return entry
    case = order_number % 10
    if case == DECLINED:
        msg = f"the card of order {order_number} was declined"
        raise CardDeclinedError(msg)
    if case == FLAKY and entry.calls <= OUTAGES:
        msg = "the payment provider does not answer (503)"
        raise ProviderDownError(msg)
    if case == SLOW:
        _wait_for_bank(while_waiting)
    entry.charged_at = timezone.now()
    entry.save(update_fields=["charged_at"])
    if case == LOST_ANSWER:
        msg = "the connection broke before the provider's answer came"
        raise ProviderDownError(msg)
    return entry


def _ask(idempotency_key: str, order_number: int, cents: int) -> SimulatedCharge:
    entry, _ = SimulatedCharge.objects.get_or_create(
        idempotency_key=idempotency_key,
        defaults={"order_number": order_number, "cents": cents},
    )
    SimulatedCharge.objects.filter(pk=entry.pk).update(calls=F("calls") + 1)
    entry.refresh_from_db()
    return entry


def _wait_for_bank(while_waiting: WhileWaiting) -> None:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < SLOW_BANK:
        while_waiting(passed / SLOW_BANK, "waiting for the customer to confirm")
        time.sleep(POLL)
