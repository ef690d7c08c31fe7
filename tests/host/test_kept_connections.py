"""A worker's thread uses one database connection for message after message."""

import uuid

import pytest
from django.db import connection, connections

from gorkflow.models import WorkflowRun
from gorkflow.stores.orm import DjangoStore, keeping
from gorkflow.stores.orm.keeping import kept_connection
from gorkflow.testing.contracts.kit import new_run
from tests.races.kit import Act, taker

pytestmark = pytest.mark.django_db(transaction=True)


def in_a_thread(act):
    """Run it where no test has a connection open, as a worker's thread is."""

    def and_release():
        try:
            return act()
        finally:
            DjangoStore().release()

    return Act(and_release).result()


def driver():
    connection.ensure_connection()
    return connection.connection


def message():
    """What a message does, between Celery's closing of connections before and after it."""
    connections.close_all()
    with kept_connection("default"):
        WorkflowRun.objects.count()
        used = driver()
    connections.close_all()
    return used


def test_the_next_message_has_the_connection_of_the_last():
    def act():
        return message() is message()

    assert in_a_thread(act)


def test_django_makes_nothing_for_a_message_that_finds_one_kept(monkeypatch):
    made = []
    original = connections.create_connection
    monkeypatch.setattr(
        connections, "create_connection", lambda alias: made.append(alias) or original(alias)
    )

    def act():
        for _ in range(3):
            with kept_connection("default"):
                driver()
        return made.count("default")

    assert in_a_thread(act) == 1


def test_a_connection_that_is_open_already_is_left_to_its_owner():
    def act():
        before = driver()
        with kept_connection("default"):
            assert driver() is before
        return driver() is before

    assert in_a_thread(act)


def test_a_connection_that_has_seen_an_error_is_not_kept():
    def act():
        with kept_connection("default"):
            first = driver()
            with pytest.raises(Exception, match="nowhere"), connection.cursor() as cursor:
                cursor.execute("SELECT no_such FROM nowhere")
        return first is message()

    assert not in_a_thread(act)


def test_each_thread_has_its_own():
    first, second = in_a_thread(message), in_a_thread(message)

    assert first is not second


has_sessions = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="a file has no sessions to end"
)


@has_sessions
def test_a_session_that_the_server_ended_in_a_pause_is_replaced_before_it_is_used(monkeypatch):
    monkeypatch.setattr(keeping, "TRUSTED_SECONDS", 0.0)

    def act():
        keep_an_ended_session()
        return message()

    assert in_a_thread(act)


@has_sessions
def test_a_session_that_has_just_ended_costs_the_next_claim_another_try(capsys):
    run_id = DjangoStore().create_run(new_run())[0].id

    def act():
        keep_an_ended_session()
        with kept_connection("default"):
            return DjangoStore().claim(run_id, taker())

    assert in_a_thread(act).step_id == "a"
    assert capsys.readouterr().out.count("persistence_error") == 1


def keep_an_ended_session():
    with kept_connection("default"), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_backend_pid()"
            if connection.vendor == "postgresql"
            else "SELECT CONNECTION_ID()"
        )
        session = cursor.fetchone()[0]
    in_a_thread(lambda: end(session))


def end(session):
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT pg_terminate_backend({session})"
            if connection.vendor == "postgresql"
            else f"KILL {session}"
        )


def test_the_store_keeps_the_connection_of_its_own_database():
    def act():
        connections.close_all()
        store = DjangoStore()
        with store.keeping_connection():
            first = driver()
        with store.keeping_connection():
            assert store.claim(uuid.uuid4(), taker()) is None
            return driver() is first

    assert in_a_thread(act)
