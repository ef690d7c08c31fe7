"""Runs in a database that is not the default one."""

import pytest
from django.db import transaction
from django.test import override_settings

from gorkflow import RunStatus
from gorkflow.models import StepExecution, WorkflowRun
from gorkflow.wiring import get_engine
from tests.shop.models import Entry
from tests.shop.workflows import Job, careful, plain

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "other"])


class ToOther:
    """A router that sends the workflows, and what their atomic steps write, elsewhere."""

    def db_for_read(self, model, **_hints):
        # As a replica that lags behind would: the engine must not read what it has just written.
        return "default" if model._meta.app_label == "gorkflow" else self.db_for_write(model)

    def db_for_write(self, model, **_hints):
        return "other" if model._meta.app_label in ("gorkflow", "shop") else None


@pytest.fixture
def _routed():
    with override_settings(DATABASE_ROUTERS=["tests.host.test_databases.ToOther"]):
        get_engine.cache_clear()
        yield
    get_engine.cache_clear()


@pytest.mark.usefixtures("_routed")
def test_a_router_decides_where_runs_live():
    run = careful.start(Job(name="x"), synchronous=True)

    assert run.output == "x entered"
    assert WorkflowRun.objects.using("other").count() == 1
    assert Entry.objects.using("other").count() == 2
    assert not WorkflowRun.objects.using("default").exists()
    assert not StepExecution.objects.using("default").exists()


@pytest.mark.usefixtures("_routed")
def test_a_message_waits_for_the_commit_of_the_database_that_has_the_run(monkeypatch):
    sent = []
    monkeypatch.setattr(get_engine().dispatcher, "_take", sent.append)

    with transaction.atomic(using="other"):
        plain.start(Job())
        assert sent == []

    assert len(sent) == 1


def test_a_setting_names_the_database_without_a_router():
    setting = {"STORE_OPTIONS": {"using": "other"}, "DISPATCHER_OPTIONS": {"using": "other"}}

    with override_settings(GORKFLOW=setting):
        run = plain.start(Job(), synchronous=True)

    assert run.record.status is RunStatus.COMPLETED
    assert WorkflowRun.objects.using("other").count() == 1
    assert not WorkflowRun.objects.using("default").exists()
