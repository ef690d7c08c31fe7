"""What goes wrong on our side is a problem too, and is reported as Django reports it."""

import pytest
from django.core.signals import got_request_exception
from django.db import OperationalError, connection

from gorkflow.api.views.commands import CommandView
from gorkflow.models import WorkflowRun
from gorkflow.stores.orm import DjangoStore

pytestmark = pytest.mark.django_db

SECRET = "password authentication failed for user 'shop'"


@pytest.fixture
def broken(monkeypatch):
    """Let the store's lists fail."""

    def fail_with(error):
        def list_runs(self, wanted):
            raise error

        monkeypatch.setattr(DjangoStore, "list_runs", list_runs)

    return fail_with


@pytest.fixture
def reported():
    seen = []

    def note(sender, request, **_):
        seen.append(request.path)

    got_request_exception.connect(note)
    yield seen
    got_request_exception.disconnect(note)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError(SECRET), 503, "UNAVAILABLE"),
        (ZeroDivisionError(SECRET), 500, "INTERNAL_ERROR"),
    ],
)
def test_an_error_of_ours_is_a_problem_that_tells_nothing(
    api, broken, reported, caplog, error, status, code
):
    broken(error)
    client = api()
    client.raise_request_exception = False

    answer = client.get("/api/runs/")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert SECRET not in answer.content.decode()
    assert ("Retry-After" in answer) == (status == 503)
    assert reported == ["/api/runs/"]
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert record.exc_info[1] is error


def test_with_debug_it_is_djangos_own_page(api, broken, settings):
    broken(ZeroDivisionError("here"))
    settings.DEBUG = True
    client = api()
    client.raise_request_exception = False

    answer = client.get("/api/runs/")

    assert answer.status_code == 500
    assert b"ZeroDivisionError" in answer.content
    assert answer["Content-Type"] != "application/problem+json"


@pytest.mark.django_db(transaction=True)
def test_a_transaction_around_the_request_is_rolled_back(api, orders, monkeypatch):
    def fail(self, run):
        raise ZeroDivisionError

    monkeypatch.setattr(CommandView, "accepted", fail)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    client = api()
    client.raise_request_exception = False

    answer = client.post("/api/workflows/orders/runs/", {"input": {"number": 7}}, format="json")

    assert answer.status_code == 500
    assert not WorkflowRun.objects.exists()
