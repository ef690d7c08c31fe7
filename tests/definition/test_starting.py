from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from gorkflow import ConfigurationError, PayloadError, StartOptions, WorkflowBuilder
from gorkflow.definition.binding import bind_engine, current_engine, using_engine


def handler(value: int) -> int: ...


WORKFLOW = WorkflowBuilder("w").then(handler).build()


class FakeEngine:
    def __init__(self) -> None:
        self.started: list[Any] = []

    def start(self, workflow: Any, value: Any, options: Any, /) -> Any:
        self.started.append((workflow, value, options))
        return "run"


@pytest.fixture
def default_engine():
    engine = FakeEngine()
    bind_engine(lambda: engine)
    yield engine
    bind_engine(None)


def test_starting_asks_the_current_engine(default_engine):
    run = WORKFLOW.start(3, resource_id="order-42", tags={"tenant": "acme"})

    assert run == "run"
    assert default_engine.started == [
        (WORKFLOW, 3, StartOptions(resource_id="order-42", tags={"tenant": "acme"}))
    ]


def test_an_engine_may_be_used_for_the_moment_and_in_this_thread_alone(default_engine):
    engine, seen = FakeEngine(), []

    with using_engine(engine) as used:
        thread = threading.Thread(target=lambda: seen.append(current_engine()))
        thread.start()
        thread.join()
        assert current_engine() is used is engine

    assert current_engine() is default_engine
    assert seen == [default_engine]


def test_without_an_engine_the_error_says_what_to_do():
    bind_engine(None)

    with pytest.raises(ConfigurationError, match="INSTALLED_APPS"):
        WORKFLOW.start(1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resource": "x"}, "'resource'.*did you mean 'resource_id'"),
        ({"resource_id": ""}, "'resource_id': String should have at least 1"),
        ({"priority": 10}, "'priority'"),
        ({"tags": {"a": 1}}, r"'tags\.a'"),
    ],
)
def test_wrong_start_options_are_refused(default_engine, options, message):
    with pytest.raises(PayloadError, match=f"start option {message}") as caught:
        WORKFLOW.start(1, **options)

    assert caught.value.errors
    assert default_engine.started == []


def test_importing_gorkflow_needs_neither_django_nor_celery():
    code = (
        "import sys\n"
        "for name in ('django', 'celery', 'rest_framework', 'kombu'): sys.modules[name] = None\n"
        "import gorkflow\n"
        "missing = [name for name in gorkflow.__all__ if not hasattr(gorkflow, name)]\n"
        "assert not missing, missing\n"
        "assert gorkflow.__version__"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
