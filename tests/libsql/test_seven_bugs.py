"""What stock django-libsql gets wrong and this backend right, each on a real server."""

import gc
import threading
import time

import pytest
from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest, Least

from tests.libsql.models import Item


class UndoneError(Exception):
    """Rolls a block back."""


def items():
    return Item.objects.using("libsql")


def names():
    return list(items().order_by("name").values_list("name", flat=True))


def wire_threads():
    return [each for each in threading.enumerate() if each.name == "gorkflow-libsql"]


def test_1_rows_that_are_fetched_in_chunks_are_all_there(libsql):
    items().bulk_create(Item(name=f"{number:04}") for number in range(1000))

    assert len([*items().iterator(chunk_size=100)]) == 1000
    assert len(items().all()) == 1000
    with libsql.cursor() as cursor:
        cursor.execute("SELECT name FROM libsql_tests_item ORDER BY name")
        chunks = [cursor.fetchmany(300) for _ in range(5)]
    assert [len(chunk) for chunk in chunks] == [300, 300, 300, 100, 0]
    assert chunks[1][0] == ("0300",)


def test_2_a_nested_block_that_rolls_back_leaves_the_outer_one_to_commit(libsql, elsewhere):
    with transaction.atomic(using="libsql"):
        items().create(name="before")
        with pytest.raises(UndoneError), transaction.atomic(using="libsql"):
            items().create(name="inner")
            raise UndoneError
        items().create(name="after")
    libsql.close()

    assert elsewhere(names) == ["after", "before"]


def test_2_get_or_create_that_loses_a_race_keeps_what_its_block_wrote(libsql, elsewhere):
    items().create(name="taken")

    with transaction.atomic(using="libsql"):
        items().create(name="mine")
        with pytest.raises(DatabaseError), transaction.atomic(using="libsql"):
            items().create(name="taken")
        assert libsql.connection.in_transaction
    libsql.close()

    assert elsewhere(names) == ["mine", "taken"]


def test_2_a_savepoint_outside_a_transaction_opens_one_that_its_release_commits(libsql, elsewhere):
    with libsql.cursor() as cursor:
        cursor.execute("SAVEPOINT a")
        cursor.execute("SAVEPOINT b")
        cursor.execute("INSERT INTO libsql_tests_item (name, number, text) VALUES ('x', 1, '')")
        cursor.execute("RELEASE b")
        assert libsql.connection.in_transaction
        assert elsewhere(names) == []
        cursor.execute("RELEASE SAVEPOINT a")

    assert not libsql.connection.in_transaction
    assert elsewhere(names) == ["x"]


def test_3_sql_is_that_of_sqlite(libsql):
    items().create(name="a", number=3, data={"kind": {"deep": [1, {"x": None}]}, "none": None})

    assert libsql.vendor == "sqlite"
    assert items().filter(data__kind__deep__1__has_key="x").count() == 1
    assert items().filter(data__kind__deep__0=1, data__none=None).count() == 1
    assert items().filter(name__icontains="A", name__regex="^[ab]$").count() == 1
    largest = items().annotate(most=Greatest(F("number"), Value(2)), least=Least(F("number"), 2))
    assert [(each.most, each.least) for each in largest] == [(3, 2)]


def test_4_a_connection_that_died_is_opened_again_outside_a_transaction(attach, own_server):
    connection = attach(own_server)
    items().create(name="kept")

    own_server.kill()
    own_server.start()

    assert not connection.is_usable()
    assert names() == ["kept"]
    assert connection.is_usable()


def test_4_a_transaction_whose_server_died_stores_nothing_and_says_so(attach, own_server):
    connection = attach(own_server)

    with pytest.raises(OperationalError), transaction.atomic(using="libsql"):
        items().create(name="lost")
        own_server.kill()
        own_server.start()
        # Even one who swallows errors gets nothing stored behind the transaction's back.
        for _ in range(2):
            with pytest.raises(OperationalError), connection.cursor() as cursor:
                cursor.execute("UPDATE libsql_tests_item SET number = 1")
                pytest.fail("the statement went past the transaction")

    assert names() == []


def test_4_health_checks_find_a_connection_whose_server_died(attach, own_server):
    connection = attach(own_server, CONN_HEALTH_CHECKS=True, CONN_MAX_AGE=None)
    own_server.kill()
    own_server.start()

    connection.close_if_unusable_or_obsolete()

    assert names() == []


def test_5_a_server_that_does_not_answer_is_an_operational_error_that_says_what_is_unsure(
    attach, own_server
):
    connection = attach(own_server)
    connection.close()
    connection.settings_dict["OPTIONS"] = {"timeout": 2}
    assert names() == []

    own_server.pause()
    began = time.monotonic()
    with pytest.raises(OperationalError, match="nobody knows whether the statement took effect"):
        items().create(name="perhaps")
    took = time.monotonic() - began
    own_server.resume()

    assert 1.5 < took < 15
    # The late answer is nobody's: the next statement goes over a socket of its own.
    assert set(names()) <= {"perhaps"}
    items().create(name="sure")
    assert "sure" in names()


def test_5_a_transaction_that_met_a_timeout_is_rolled_back(attach, own_server):
    connection = attach(own_server)
    connection.close()
    connection.settings_dict["OPTIONS"] = {"timeout": 2}

    with pytest.raises(OperationalError), transaction.atomic(using="libsql"):
        items().create(name="first")
        own_server.pause()
        try:
            items().create(name="second")
        finally:
            own_server.resume()

    assert names() == []


def test_6_results_of_several_mebibytes_come_whole(libsql):
    items().bulk_create(Item(name=str(number), text="x" * 1024 * 1024) for number in range(8))

    texts = items().values_list("text", flat=True)

    assert [len(text) for text in texts] == [1024 * 1024] * 8
    assert libsql.is_usable()


def test_7_a_connection_that_nobody_closed_leaves_no_thread_behind(libsql):
    libsql.close()
    gc.collect()
    before = len(wire_threads())

    threads = [threading.Thread(target=names) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    del thread, threads
    gc.collect()
    deadline = time.monotonic() + 10
    while len(wire_threads()) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(wire_threads()) == before


def test_7_closing_ends_the_thread_and_the_socket(libsql):
    libsql.ensure_connection()
    wire = libsql.connection.wire
    assert wire._thread.is_alive()

    libsql.close()

    assert not wire._thread.is_alive()
    assert connections["libsql"].connection is None
