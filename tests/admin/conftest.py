import pytest
from django.contrib.auth.models import Permission, User

from gorkflow import register, registry
from tests.admin.flows import Order, order_workflow


@pytest.fixture
def orders():
    workflow = register(order_workflow())
    yield workflow
    registry.unregister(workflow.id)


@pytest.fixture
def completed(orders, db):
    return orders.start(Order(number=1), resource_id="order-1", synchronous=True)


@pytest.fixture
def failed(orders, db):
    return orders.start(Order(number=2, note="declined"), resource_id="order-2", synchronous=True)


@pytest.fixture
def waiting(orders, db):
    """A run that no worker has begun."""
    return orders.start(Order(number=3), resource_id="order-3")


@pytest.fixture
def staff(db):
    """A staff user with the named permissions of the app, and no others."""

    def make(*codenames, name="ann"):
        user = User.objects.create_user(name, password="pw", is_staff=True)
        found = Permission.objects.filter(content_type__app_label="gorkflow")
        user.user_permissions.set(found.filter(codename__in=codenames))
        return user

    return make


@pytest.fixture
def browser(client, staff):
    """A test client that is logged in as a staff user with the named permissions."""

    def login(*codenames):
        client.force_login(staff(*codenames))
        return client

    return login
