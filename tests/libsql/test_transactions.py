"""Transactions: what is stored, who waits for whom, and what the server takes away."""

import threading
import time
from contextlib import suppress

import pytest
from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.models import F

from tests.libsql.models import Item, Part


def items():
    return Item.objects.using("libsql")


def names():
    return sorted(items().values_list("name", flat=True))


def in_thread(act):
    """Start a thread that closes its connection in the end."""

    def body():
        try:
            act()
        finally:
            connections["libsql"].close()

    thread = threading.Thread(target=body)
    thread.start()
    return thread


def test_nobody_sees_what_is_not_committed(libsql, elsewhere):
    with transaction.atomic(using="libsql"):
        items().create(name="new")
        assert elsewhere(names) == []

    assert elsewhere(names) == ["new"]


def test_a_transaction_takes_the_write_lock_when_it_begins(libsql):
    items().create(name="counter")
    at_once = threading.Barrier(4)

    def count():
        at_once.wait(10)
        for _ in range(10):
            # Reads first and writes later: begun DEFERRED, all but one would fail.
            with transaction.atomic(using="libsql"):
                seen = items().get(name="counter").number
                items().filter(name="counter").update(number=seen + 1)

    threads = [in_thread(count) for _ in range(4)]
    for thread in threads:
        thread.join(60)

    assert items().get(name="counter").number == 40


def test_two_writers_without_transactions_lose_nothing(libsql):
    items().create(name="counter")

    def count():
        for _ in range(50):
            items().filter(name="counter").update(number=F("number") + 1)

    threads = [in_thread(count) for _ in range(2)]
    for thread in threads:
        thread.join(60)

    assert items().get(name="counter").number == 100


@pytest.mark.parametrize("mode", ["DEFERRED", "immediate", "EXCLUSIVE"])
def test_the_mode_of_transactions_can_be_set(attach, shared_server, mode):
    attach(shared_server, OPTIONS={"transaction_mode": mode})

    with transaction.atomic(using="libsql"):
        items().create(name="x")

    assert names() == ["x"]


def test_a_cas_tells_how_many_rows_it_changed(libsql):
    items().create(name="a", number=1)

    assert items().filter(name="a", number=1).update(number=2) == 1
    assert items().filter(name="a", number=1).update(number=2) == 0
    with transaction.atomic(using="libsql"):
        assert items().filter(name="a", number=1).update(number=3) == 0
        assert items().filter(name="a", number=2).update(number=3) == 1
    assert items().filter(name="a").delete() == (1, {"libsql_tests.Item": 1})


def test_a_savepoint_can_be_rolled_back_again_and_again(libsql, elsewhere):
    with transaction.atomic(using="libsql"):
        for number in range(3):
            with suppress(IntegrityError), transaction.atomic(using="libsql"):
                items().create(name=f"gone {number}")
                items().create(name=f"gone {number}")
        items().create(name="kept")

    assert elsewhere(names) == ["kept"]


def test_a_constraint_that_holds_only_at_the_end_is_found_at_the_commit(libsql):
    with pytest.raises(IntegrityError), transaction.atomic(using="libsql"):
        items().create(name="with it")
        Part.objects.using("libsql").create(item_id=4711)

    assert names() == []
    with transaction.atomic(using="libsql"):
        items().create(name="fine")
    assert names() == ["fine"]


def test_without_autocommit_a_write_begins_a_transaction(libsql, elsewhere):
    libsql.set_autocommit(False)
    items().create(name="rolled back")
    libsql.rollback()
    items().create(name="committed")
    assert elsewhere(names) == []
    libsql.commit()
    libsql.set_autocommit(True)

    assert elsewhere(names) == ["committed"]


def test_a_transaction_begun_by_hand_is_known(libsql, elsewhere):
    with libsql.cursor() as cursor:
        cursor.execute("/* by hand */ begin immediate")
        items().create(name="x")
        assert libsql.connection.in_transaction
        assert elsewhere(names) == []
        cursor.execute("End transaction")

    assert not libsql.connection.in_transaction
    assert elsewhere(names) == ["x"]


def test_a_script_may_hold_transactions(libsql):
    cursor = libsql.connection.cursor()

    cursor.executescript(
        "BEGIN; INSERT INTO libsql_tests_item (name, number, text) VALUES ('a', 1, ''); COMMIT;"
    )
    assert not libsql.connection.in_transaction
    cursor.executescript("BEGIN; DELETE FROM libsql_tests_item;")
    assert libsql.connection.in_transaction
    libsql.connection.rollback()

    assert names() == ["a"]


def test_what_an_interrupt_leaves_open_is_rolled_back(libsql, elsewhere, monkeypatch):
    """An alarm may ring between the server's answer and the note of it."""

    class Alarm(BaseException):
        pass

    def ring(_verb):
        monkeypatch.undo()
        raise Alarm

    with pytest.raises(Alarm), transaction.atomic(using="libsql"):
        items().create(name="lost")
        monkeypatch.setattr(libsql.connection, "_note", ring)
        items().create(name="lost too")

    assert elsewhere(names) == []
    items().create(name="next")
    assert names() == ["next"]


def test_a_statement_that_is_interrupted_stops_on_the_server_too(libsql, elsewhere):
    libsql.ensure_connection()
    endless = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"
    )
    timer = threading.Timer(0.3, libsql.connection.interrupt)
    began = time.monotonic()

    with (
        pytest.raises(OperationalError, match=r"was (lost|interrupted)"),
        transaction.atomic(using="libsql"),
    ):
        items().create(name="undone")
        timer.start()
        with libsql.cursor() as cursor:
            cursor.execute(endless)
    items().create(name="next")

    # The lock that the endless one would have held was free at once.
    assert time.monotonic() - began < 0.8 * libsql.transaction_seconds
    assert elsewhere(names) == ["next"]


def rob():
    """Let another writer take the lock from the open transaction."""
    in_thread(lambda: items().create(name="other")).join(60)


def test_a_transaction_that_others_wait_for_is_ended_after_5_s_and_its_commit_fails(
    libsql, elsewhere
):
    began = time.monotonic()
    with (
        pytest.raises(OperationalError, match="has ended this transaction, and nothing"),
        transaction.atomic(using="libsql"),
    ):
        items().create(name="mine")
        rob()

    assert libsql.transaction_seconds < time.monotonic() - began < 4 * libsql.transaction_seconds
    assert elsewhere(names) == ["other"]


def test_what_follows_in_a_transaction_that_was_ended_is_never_stored(libsql, elsewhere):
    with pytest.raises(OperationalError), transaction.atomic(using="libsql"):
        items().create(name="mine")
        rob()
        # The server tells of the end once; from then on it would store each statement by itself.
        for number in range(3):
            with (
                pytest.raises(OperationalError, match="has ended this transaction"),
                libsql.cursor() as cursor,
            ):
                cursor.execute("UPDATE libsql_tests_item SET number = 7")
            with pytest.raises(OperationalError), libsql.cursor() as cursor:
                cursor.execute(f"SAVEPOINT s{number}")

    assert elsewhere(names) == ["other"]
    assert items().get().number == 0
    with transaction.atomic(using="libsql"):
        items().create(name="the next one works")
    assert len(names()) == 2
