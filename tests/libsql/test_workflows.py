"""Workflows on libSQL: migrations, and atomic steps within the server's limit."""

import asyncio
import threading
import time
from contextlib import suppress

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import DatabaseError, connections
from django.test import override_settings

from gorkflow import RunStatus, StepStatus, WorkflowBuilder, register, registry, step
from gorkflow.engine import heartbeat
from gorkflow.errors import ErrorCode
from gorkflow.stores.orm import DjangoStore
from gorkflow.wiring import get_engine
from tests.races.kit import engine_of
from tests.shop.models import Entry


@pytest.fixture
def migrated(attach, shared_server, monkeypatch):
    """A connection to the shared server, with every app's tables."""
    connection = attach(shared_server)
    call_command("migrate", database="libsql", verbosity=0)
    Entry.objects.using("libsql").all().delete()
    monkeypatch.setattr(heartbeat, "IDLE_SECONDS", 0.0)
    yield connection
    for thread in threading.enumerate():
        if thread.name == "gorkflow-heartbeat":
            thread.join(20)


def entries():
    return list(Entry.objects.using("libsql").values_list("name", flat=True))


def enter(name):
    Entry.objects.using("libsql").create(name=name)


def start(only, value=1):
    engine = engine_of(
        WorkflowBuilder("on-libsql").then(only).build(),
        store=DjangoStore(using="libsql"),
        heartbeat=0.5,
    )
    return engine, engine.start("on-libsql", value)


@pytest.mark.usefixtures("migrated")
def test_migrations_can_be_undone_and_done_again():
    call_command("migrate", "gorkflow", "zero", database="libsql", verbosity=0)
    call_command("migrate", database="libsql", verbosity=0)
    call_command("migrate", database="libsql", check_unapplied=True, verbosity=0)


@pytest.mark.usefixtures("migrated")
def test_an_atomic_step_is_ended_before_the_server_would_take_its_transaction():
    @step(atomic=True, max_retries=0)
    def slow(n: int) -> int:
        enter("lost")
        time.sleep(10)
        return n

    engine, run = start(slow)
    began = time.monotonic()
    engine.work(run.id)

    assert 3.5 < time.monotonic() - began < 9
    assert run.refresh().status is RunStatus.FAILED
    assert run.error.code is ErrorCode.TIMEOUT
    assert "longer than 4 s: the database gives its transaction no longer" in run.error.message
    assert entries() == []


@pytest.mark.usefixtures("migrated")
def test_an_async_atomic_step_is_ended_too(monkeypatch):
    @step(atomic=True, max_retries=0)
    async def slow(n: int) -> int:
        await asyncio.sleep(10)
        return n

    monkeypatch.setattr(connections["libsql"], "transaction_seconds", 1.5)
    engine, run = start(slow)
    engine.work(run.id)

    assert run.refresh().error.code is ErrorCode.TIMEOUT
    assert "longer than 0.5 s: the database" in run.error.message


@pytest.mark.usefixtures("migrated")
def test_a_shorter_timeout_of_its_own_holds():
    @step(atomic=True, max_retries=0, timeout=0.3)
    def slow(n: int) -> int:
        time.sleep(10)
        return n

    engine, run = start(slow)
    engine.work(run.id)

    assert run.refresh().error.message == "the attempt took longer than 0.3 s"


@pytest.fixture
def limitless(migrated):
    """Atomic steps as in a thread and in a call that blocks: nothing ends them in time."""
    migrated.transaction_seconds = None
    yield migrated
    del migrated.transaction_seconds


def be_robbed():
    """Let another writer take the lock from the atomic step that calls this."""

    def write():
        enter("other")
        connections["libsql"].close()

    other = threading.Thread(target=write)
    other.start()
    other.join(30)


@pytest.mark.usefixtures("limitless")
def test_an_atomic_step_that_lost_its_transaction_is_done_again_and_counts_once():
    attempts = []

    @step(atomic=True)
    def slow(n: int) -> int:
        attempts.append(n)
        enter(f"attempt {len(attempts)}")
        if len(attempts) == 1:
            be_robbed()
        return n

    engine, run = start(slow)
    while run.refresh().status is not RunStatus.COMPLETED:
        engine.work(run.id)

    assert sorted(entries()) == ["attempt 2", "other"]
    ended = [each.status for each in run.steps(attempts=True)[0].attempts]
    assert ended == [StepStatus.FAILED, StepStatus.COMPLETED]
    lost = run.steps(attempts=True)[0].attempts[0]
    assert "the transaction was lost: the libSQL server has ended this" in lost.error.message


@pytest.mark.usefixtures("limitless")
def test_an_atomic_step_that_swallows_the_loss_fails_and_leaves_nothing():
    @step(atomic=True, max_retries=0)
    def slow(n: int) -> int:
        enter("mine")
        be_robbed()
        for _ in range(2):
            with suppress(DatabaseError):
                enter("swallowed")
        return n

    engine, run = start(slow)
    engine.work(run.id)

    assert run.refresh().status is RunStatus.FAILED
    assert entries() == ["other"]


@pytest.mark.usefixtures("migrated")
def test_a_run_whose_input_and_output_do_not_fit_one_row_fails_and_says_why():
    @step(max_retries=0)
    def echo(text: str) -> str:
        return text

    engine, run = start(echo, value="x" * 3_000_000)
    engine.work(run.id)

    assert run.refresh().status is RunStatus.FAILED
    assert run.error.code is ErrorCode.INTERNAL_ERROR
    assert "rows of at most 5 MB" in run.error.message


def test_a_check_names_atomic_steps_that_may_take_longer(migrated):
    del migrated

    @step(atomic=True, timeout=4)
    def quick(n: int) -> int:
        return n

    @step(atomic=True, timeout=4.5)
    def slow(n: int) -> int:
        return n

    def told():
        get_engine.cache_clear()
        with override_settings(GORKFLOW={"STORE_OPTIONS": {"using": "libsql"}}):
            messages = run_checks(tags=["gorkflow"])
        return [each.msg for each in messages if each.id == "gorkflow.W006"]

    known = {each.id: each for each in registry}
    for workflow_id in known:
        registry.unregister(workflow_id)
    try:
        register(WorkflowBuilder("quick").then(quick).build())
        assert told() == []
        register(WorkflowBuilder("slow").then(slow).build())
        (message,) = told()
    finally:
        for workflow_id in ("quick", "slow"):
            registry.unregister(workflow_id)
        for workflow in known.values():
            register(workflow)

    assert message.startswith("Atomic step 'slow' of workflow 'slow' may take longer than the 4 s")
