import threading

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection
from rest_framework.test import APIClient

from demo_project.orders.models import Product
from demo_project.orders.workflows import fulfil_order
from gorkflow import RunFilter, register, registry
from gorkflow.statuses import ACTIVE_RUNS
from gorkflow.wiring import get_engine
from tests.admin.flows import Order, order_workflow

PERMISSIONS = (
    "view_workflowrun",
    "start_workflowrun",
    "cancel_workflowrun",
    "retry_workflowrun",
    "view_payload",
)


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet():
    """Forget the requests of other tests, whose users have the same ids."""
    cache.clear()


@pytest.fixture
def orders():
    workflow = register(order_workflow())
    yield workflow
    registry.unregister(workflow.id)


@pytest.fixture
def completed(orders, db):
    return orders.start(
        Order(number=1), resource_id="order-1", tags={"tenant": "acme"}, synchronous=True
    )


@pytest.fixture
def failed(orders, db):
    return orders.start(Order(number=2, note="declined"), synchronous=True)


@pytest.fixture
def waiting(orders, db):
    """A run that no worker has begun."""
    return orders.start(Order(number=3), started_by="cron")


@pytest.fixture
def user(db):
    """A user with the named permissions of the app, and no others."""

    def make(*codenames, name="ann"):
        made = User.objects.create_user(name, password="pw")
        found = Permission.objects.filter(content_type__app_label="gorkflow")
        made.user_permissions.set(found.filter(codename__in=codenames))
        return made

    return make


@pytest.fixture
def api(user):
    """An API client of a user with the named permissions; without names, with all of them."""

    def login(*codenames, name="ann"):
        client = APIClient()
        client.force_authenticate(user(*(codenames or PERMISSIONS), name=name))
        return client

    return login


@pytest.fixture
def shop(transactional_db):
    """The demo's orders with something to sell, and a superuser admin."""
    User.objects.create_superuser("admin", password="pw")
    # Tests that commit empty the tables, of what migrations have put there too.
    Product.objects.get_or_create(sku="kettle", defaults={"price_cents": 1, "stock": 9})
    # Other tests may have registered another workflow under the same id.
    registry.unregister(fulfil_order.id)
    register(fulfil_order)


@pytest.fixture
def worker():
    """A thread that works on whatever there is but reruns, in place of a Celery worker."""
    stop = threading.Event()

    def work():
        engine, wanted = get_engine(), RunFilter(statuses=ACTIVE_RUNS)
        while not stop.wait(0.1):
            for run in engine.list_runs(wanted).runs:
                # Those are for tests to cancel before anybody gets to them.
                if run.rerun_of is None:
                    engine.work(run.id)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(30)
