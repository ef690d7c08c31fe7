import pytest

from demo_project.orders import payments
from demo_project.orders.messages import PlaceOrder
from demo_project.orders.models import Order, Parcel, Product, SimulatedCharge
from demo_project.orders.placing import UnknownProductError
from demo_project.orders.workflows import fulfil_order, place_order
from gorkflow import ConcurrencyLimitError, RunStatus, StepStatus
from gorkflow.testing import local_engine

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick_provider(monkeypatch):
    monkeypatch.setattr(payments, "LATENCY", 0)
    monkeypatch.setattr(payments, "POLL", 0)


@pytest.fixture
def engine():
    with local_engine() as engine:
        yield engine


def fulfilled(engine, number, **fields):
    run = place_order(PlaceOrder(number=number, customer="Ada", **fields))
    engine.drain()
    return run.refresh()


def step_of(run, step_id):
    return next(step for step in run.steps() if step.step_id == step_id)


def test_an_order_is_charged_reserved_shipped_and_confirmed(engine):
    before = Product.objects.get(sku="kettle").stock

    run = fulfilled(engine, 1001, quantity=2)

    assert run.status is RunStatus.COMPLETED
    assert run.output.text == "2 x Kettle for 79.80 is on its way as GK0000001001."
    assert step_of(run, "gift_wrap").status is StepStatus.SKIPPED
    order = Order.objects.get(number=1001)
    assert order.confirmed_at
    assert order.reservation.quantity == 2
    assert Product.objects.get(sku="kettle").stock == before - 2


def test_a_gift_is_wrapped_and_carries_its_message(engine):
    run = fulfilled(engine, 1002, is_gift=True, gift_message="Hello")

    assert "gift-wrapped" in run.output.text
    parcel = Parcel.objects.get(order__number=1002)
    assert (parcel.wrapped, parcel.card_text) == (True, "Hello")


def test_a_provider_that_is_down_is_tried_again_and_charges_once(engine):
    run = fulfilled(engine, 1007)

    assert run.status is RunStatus.COMPLETED
    assert step_of(run, "charge").attempt == 3
    assert SimulatedCharge.objects.get(order_number=1007).calls == 3


def test_a_lost_answer_does_not_charge_twice(engine):
    run = fulfilled(engine, 1009)

    assert run.status is RunStatus.COMPLETED
    charge = SimulatedCharge.objects.get(order_number=1009)
    assert (charge.calls, charge.cents) == (2, 3990)


def test_a_declined_card_fails_the_run_without_a_retry_and_ships_nothing(engine):
    run = fulfilled(engine, 1004)

    assert run.status is RunStatus.FAILED
    assert run.error.message == "the card of order 1004 was declined"
    assert step_of(run, "charge").attempt == 1
    assert not Parcel.objects.exists()
    assert not Order.objects.get(number=1004).confirmed_at


def test_an_order_can_be_cancelled_while_the_bank_waits(engine, monkeypatch):
    run = place_order(PlaceOrder(number=1005, customer="Ada"))
    waits = []

    def customer_gives_up(fraction, note):
        waits.append(note)
        run.cancel("gave up")

    def wait_for_bank(while_waiting):
        customer_gives_up(0, "waiting")
        while_waiting(0.5, "still waiting")
        raise AssertionError("the step went on although its run was cancelled")

    monkeypatch.setattr(payments, "_wait_for_bank", wait_for_bank)
    engine.drain()

    assert run.refresh().status is RunStatus.CANCELLED
    assert waits == ["waiting"]
    assert not SimulatedCharge.objects.get(order_number=1005).charged_at


def test_a_slow_bank_answers_in_the_end(engine, monkeypatch):
    monkeypatch.setattr(payments, "SLOW_BANK", 0.05)

    assert fulfilled(engine, 1005).status is RunStatus.COMPLETED


def test_too_large_an_order_fails_and_leaves_the_stock_alone(engine):
    Product.objects.filter(sku="tea").update(stock=3)

    run = fulfilled(engine, 1001, sku="tea", quantity=4)

    assert run.error.message == "not enough of Green tea, 250 g in stock"
    assert Product.objects.get(sku="tea").stock == 3


def test_an_unknown_product_is_refused_and_nothing_is_stored(engine):
    with pytest.raises(UnknownProductError):
        fulfilled(engine, 1001, sku="anvil")

    assert not Order.objects.exists()


def test_a_run_started_by_hand_with_an_unknown_product_fails(engine):
    run = fulfil_order.start(PlaceOrder(number=1001, customer="Ada", sku="anvil"))
    engine.drain()

    assert run.refresh().error.message == "there is no product 'anvil'"


def test_an_order_has_one_run_at_a_time(engine):
    place_order(PlaceOrder(number=1001, customer="Ada"))

    with pytest.raises(ConcurrencyLimitError):
        place_order(PlaceOrder(number=1001, customer="Ada"))


def test_an_order_is_not_fulfilled_twice(engine):
    fulfilled(engine, 1001)

    again = fulfilled(engine, 1001)

    assert again.error.message == "order 1001 was fulfilled before"
    assert SimulatedCharge.objects.filter(order_number=1001).count() == 1
