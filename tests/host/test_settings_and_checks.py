"""The GORKFLOW setting, the system checks, signals, and what the wiring builds."""

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test import override_settings

from gorkflow import RunStatus, signals
from gorkflow.errors import ConfigurationError
from gorkflow.settings import get_settings
from gorkflow.stores.memory import MemoryStore
from gorkflow.wiring import get_engine
from tests.celery_app import app
from tests.shop.workflows import Job, declined, plain

pytestmark = pytest.mark.django_db(transaction=True)


# The test workflows have atomic steps with the default timeout, and run on every database.
IS_LIBSQL = connection.settings_dict["ENGINE"] == "gorkflow.db.libsql"
OF_LIBSQL = {"gorkflow.W006"} if IS_LIBSQL else set()


def check_ids():
    return {
        message.id
        for message in run_checks(tags=["gorkflow"])
        if (message.id or "").startswith("gorkflow.")
    } - OF_LIBSQL


def test_the_defaults_need_no_setting():
    with override_settings(GORKFLOW={}):
        assert get_settings().engine.lease == 30.0
        assert get_engine().config.default_queue == app.conf.task_default_queue


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"LEESE": 30}, "did you mean 'LEASE'"),
        ({"lease": 30}, "did you mean 'LEASE'"),
        ({"nonsense": 1}, "known are"),
        ({"LEASE": -1}, "LEASE"),
        ({"LEASE": 5, "HEARTBEAT": 4}, "3 x heartbeat"),
        ({"STORE": "no.such.Store"}, "STORE"),
        ({"STORE": "gorkflow.engine.Engine"}, "STORE"),
        ({"STORE": "builtins.dict"}, "no WorkflowStore"),
        ({"STORE_OPTIONS": {"wrong": 1}}, "STORE"),
        ({"RETENTION": {"FAILD": 30}}, r"GORKFLOW\['RETENTION'\]: 'FAILD' is none of"),
        ({"RETENTION": "a month"}, r"GORKFLOW\['RETENTION'\]: 'a month' .*is no age"),
        ([], "dictionary"),
    ],
)
def test_a_wrong_setting_is_named(setting, message):
    with override_settings(GORKFLOW=setting):
        with pytest.raises(ConfigurationError, match=message):
            get_engine()
        assert "gorkflow.E001" in check_ids()


def test_a_database_that_there_is_not_is_named():
    with override_settings(GORKFLOW={"STORE_OPTIONS": {"using": "elsewhere"}}):
        (error,) = [each for each in run_checks(tags=["gorkflow"]) if each.id == "gorkflow.E001"]

    assert "'elsewhere' doesn't exist" in error.msg


def test_a_custom_store_is_named_by_its_path():
    with override_settings(GORKFLOW={"STORE": "gorkflow.stores.memory.MemoryStore"}):
        assert isinstance(get_engine().store, MemoryStore)
        assert plain.start(Job(), synchronous=True).output == "left+right"


def test_sound_settings_raise_no_complaint():
    assert check_ids() == set()


def test_settings_that_hurt_are_complained_about(monkeypatch):
    for name, value in {
        "task_always_eager": True,
        "accept_content": ["json", "pickle"],
        "worker_prefetch_multiplier": 4,
        "task_time_limit": 10,
        "broker_url": None,
    }.items():
        monkeypatch.setitem(app.conf, name, value)

    with override_settings(USE_TZ=False):
        found = check_ids()

    assert found == {
        "gorkflow.E002",
        "gorkflow.W001",
        "gorkflow.W002",
        "gorkflow.W003",
        "gorkflow.W004",
        "gorkflow.W005",
    }


@pytest.fixture
def heard():
    """Listen to every signal."""
    calls = []
    listeners = {}
    for name in ("run_created", "run_started", "run_ended", "step_ended"):

        def listen(sender, signal, name=name, **data):
            calls.append((name, data))

        listeners[name] = listen
        getattr(signals, name).connect(listen)
    yield calls
    for name, listen in listeners.items():
        getattr(signals, name).disconnect(listen)


def test_signals_tell_of_a_runs_life(heard):
    run = plain.start(Job(), synchronous=True)

    assert [name for name, _ in heard] == [
        "run_created",
        "run_started",
        *["step_ended"] * 4,
        "run_ended",
    ]
    assert heard[-1][1]["status"] is RunStatus.COMPLETED
    assert {data["run_id"] for _, data in heard} == {run.id}


def test_signals_tell_why_a_run_failed_and_that_one_was_cancelled(heard):
    declined.start(Job(), synchronous=True)
    plain.start(Job()).cancel("enough")

    ends = [data for name, data in heard if name == "run_ended"]
    assert [data["status"] for data in ends] == [RunStatus.FAILED, RunStatus.CANCELLED]
    assert [data["error"].message for data in ends] == ["no", "enough"]


def test_a_receiver_that_raises_harms_nothing(heard, caplog):
    def broken(**_data):
        raise RuntimeError("receiver")

    signals.step_ended.connect(broken)
    try:
        run = plain.start(Job(), synchronous=True)
    finally:
        signals.step_ended.disconnect(broken)

    assert run.output == "left+right"
