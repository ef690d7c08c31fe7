"""The runs that the demo shows, and how each of them has to end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max

from demo_project.orders.messages import PlaceOrder
from demo_project.orders.models import Order, SimulatedCharge
from demo_project.orders.workflows import charge, gift_wrap, place_order
from demo_project.weather.models import WeatherReport
from demo_project.weather.workflows import WeatherFile, weather_report
from gorkflow import RunStatus, StepStatus
from gorkflow.engine.run import Run
from gorkflow.records import StepRecord

FIRST_NUMBER = 1000
CANCEL_AFTER = 2.0
"""Seconds the slow payment is left running before its order is cancelled."""

Check = Callable[[Run[Any]], str]
"""Looks at an ended run and says what is wrong with it; empty if nothing is."""


@dataclass(slots=True, kw_only=True)
class Showing:
    """One run to show."""

    label: str
    run: Run[Any]
    expected: RunStatus
    check: Check = field(default=lambda _run: "")
    to_cancel: bool = False
    charging_since: float | None = None

    @property
    def ended(self) -> bool:
        return self.run.status.is_terminal

    def look(self) -> None:
        """Read the run again, and cancel it if its time has come."""
        self.run.refresh()
        if self.to_cancel and not self.ended and self._paying_long_enough():
            self.run.cancel("the customer changed her mind")
            self.to_cancel = False

    def doing(self) -> str:
        """Name the steps that are being worked on, and those that wait to be tried again."""
        if self.run.status is not RunStatus.RUNNING:
            return ""
        told = {StepStatus.RUNNING: "attempt", StepStatus.RETRYING: "waits after attempt"}
        return ", ".join(
            f"{step.step_id} ({told[step.status]} {step.attempt})"
            if step.attempt > 1 or step.status is StepStatus.RETRYING
            else step.step_id
            for step in self.run.steps()
            if step.status in told
        )

    def problem(self) -> str:
        """Say in what the run did not end as it should; empty if it did."""
        if self.run.status is not self.expected:
            why = f": {self.run.error.message}" if self.run.error else ""
            return f"ended {self.run.status}, not {self.expected}{why}"
        return self.check(self.run)

    def _paying_long_enough(self) -> bool:
        if self.charging_since is None:
            if _step(self.run, charge.id).status is StepStatus.RUNNING:
                self.charging_since = time.monotonic()
            return False
        return time.monotonic() - self.charging_since > CANCEL_AFTER


def start_showings() -> list[Showing]:
    """Start the weather report and a handful of orders that none has seen before."""
    return [_weather("seattle-weather.csv"), *_orders(_fresh_tens())]


def _weather(name: str) -> Showing:
    run = weather_report.start(WeatherFile(path=name), resource_id=name, tags={"shown": "demo"})
    return Showing(
        label="Weather report, Seattle",
        run=run,
        expected=RunStatus.COMPLETED,
        check=_report_was_saved,
    )


def _orders(tens: int) -> list[Showing]:
    return [
        _order(tens + 1, "Ada", "goes through"),
        _order(tens + 2, "Grace", "is a gift", check=_was_wrapped, gift="Happy birthday, Mary!"),
        _order(tens + 7, "Linus", "provider down twice", check=_took_attempts(3)),
        _order(tens + 9, "Barbara", "answer lost, paid once", check=_paid_once),
        _order(
            tens + 4,
            "Edsger",
            "card declined",
            expected=RunStatus.FAILED,
            check=_took_attempts(1),
        ),
        _order(
            tens + 5, "Donald", "cancelled while paying", expected=RunStatus.CANCELLED, cancel=True
        ),
    ]


def _order(  # noqa: PLR0913  one line for each order above
    number: int,
    customer: str,
    story: str,
    *,
    expected: RunStatus = RunStatus.COMPLETED,
    check: Check = lambda _run: "",
    gift: str = "",
    cancel: bool = False,
) -> Showing:
    placed = PlaceOrder(number=number, customer=customer, is_gift=bool(gift), gift_message=gift)
    return Showing(
        label=f"Order {number}, {story}",
        run=place_order(placed, shown="demo"),
        expected=expected,
        check=check,
        to_cancel=cancel,
    )


def _fresh_tens() -> int:
    """Return a round number above every order there is: the last digit tells the story."""
    highest: int = Order.objects.aggregate(highest=Max("number"))["highest"] or FIRST_NUMBER - 10
    return (highest // 10 + 1) * 10


def _step(run: Run[Any], step_id: str) -> StepRecord:
    return next(step for step in run.steps() if step.step_id == step_id)


def _report_was_saved(run: Run[Any]) -> str:
    saved = WeatherReport.objects.filter(run_id=run.id, pk=run.output.report_id).count()
    return "" if saved == 1 else "its report is not in the database"


def _was_wrapped(run: Run[Any]) -> str:
    status = _step(run, gift_wrap.id).status
    return "" if status is StepStatus.COMPLETED else f"gift_wrap is {status}"


def _took_attempts(wanted: int) -> Check:
    def check(run: Run[Any]) -> str:
        found = _step(run, charge.id).attempt
        return "" if found == wanted else f"charge took {found} attempts, not {wanted}"

    return check


def _paid_once(run: Run[Any]) -> str:
    calls = list(
        SimulatedCharge.objects.filter(
            order_number=run.output.order_number, charged_at__isnull=False
        ).values_list("calls", flat=True)
    )
    return "" if calls == [2] else f"charges by number of calls: {calls}, not one with two"
