"""What goes over the wire whole, and what is refused with an error that says why."""

import enum

import pytest
from django.db import (
    DataError,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    transaction,
)
from django.db.models import Count, F, Max, StdDev
from django.db.models.functions import LPad, Random
from django.test.utils import CaptureQueriesContext

from tests.libsql.models import Item, Part

MIB = 1024 * 1024


class Colour(int, enum.Enum):
    RED = 3


def items():
    return Item.objects.using("libsql")


@pytest.mark.parametrize(
    "text", ["", "NUL \0 within", "Zoë \U0001f600 \u2028 '\"%s %% ?", "x" * MIB]
)
def test_texts_come_back_as_they_went(libsql, text):
    items().create(name="a", text=text, data={"text": text}, blob=text.encode())

    found = items().get(text=text)

    assert (found.text, found.data, bytes(found.blob)) == (text, {"text": text}, text.encode())


@pytest.mark.parametrize("number", [0, 2**31, 2**53 + 1, -(2**63), 2**63 - 1, True, Colour.RED])
def test_numbers_come_back_as_they_went(libsql, number):
    with libsql.cursor() as cursor:
        cursor.execute("SELECT %s, TYPEOF(%s)", [number, number])
        assert cursor.fetchone() == (int(number), "integer")


def test_parameters_may_have_names(libsql):
    with libsql.cursor() as cursor:
        values = {"a": "x", "b": "y", "unused": "z"}
        cursor.execute("SELECT %(a)s || %(b)s || %(a)s, '100%%'", values)
        assert cursor.fetchall() == [("xyx", "100%")]


def test_a_parameter_that_has_no_form_is_named(libsql):
    with libsql.cursor() as cursor, pytest.raises(ProgrammingError, match="no form for a object"):
        cursor.execute("SELECT %s", [object()])


def test_many_rows_of_parameters_can_be_given_at_once(libsql):
    with libsql.cursor() as cursor:
        rows = ([str(number), number] for number in range(50))
        cursor.executemany(
            "INSERT INTO libsql_tests_item (name, number, text) VALUES (%s, %s, '')", rows
        )
        assert cursor.rowcount == 50
        with pytest.raises(Exception, match="statements that write rows"):
            cursor.executemany("SELECT %s", [["a"]])

    assert items().aggregate(Max("number")) == {"number__max": 49}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_refused(libsql, number):
    with libsql.cursor() as cursor, pytest.raises(DataError, match=f"takes no {number}"):
        cursor.execute("SELECT %s", [number])
    assert libsql.is_usable()


def test_what_sqlite_cannot_store_is_refused_as_sqlite_does_and_harms_nothing(libsql):
    with transaction.atomic(using="libsql"):
        items().create(name="before")
        with pytest.raises(OverflowError), transaction.atomic(using="libsql"):
            items().create(name="large", number=2**63)
        with pytest.raises(UnicodeEncodeError), transaction.atomic(using="libsql"):
            items().create(name="lone \ud800 surrogate")

    assert items().get().name == "before"


def test_a_value_of_over_5_mb_is_refused(libsql):
    with transaction.atomic(using="libsql"):
        items().create(name="before")
        with pytest.raises(DataError, match="at most 5 MB"), transaction.atomic(using="libsql"):
            items().create(name="large", text="x" * 5_000_001)

    assert items().get().name == "before"


def test_a_row_of_over_5_mb_is_refused(libsql):
    items().create(name="a", text="x" * 3_000_000)

    with pytest.raises(DataError, match="at most 5 MB"):
        items().update(blob=b"x" * 3_000_000)

    assert items().get().blob is None
    assert libsql.is_usable()


def test_a_statement_of_over_16_mib_is_refused_before_it_costs_the_connection(libsql):
    raw = libsql.connection
    rows = [Item(name=str(number), text="x" * 3 * MIB) for number in range(6)]

    with pytest.raises(DataError, match="at most 16 MiB at once"):
        items().bulk_create(rows)

    assert libsql.connection is raw
    assert libsql.is_usable()
    items().bulk_create(rows, batch_size=4)
    assert items().count() == 6


def test_a_result_of_over_10_mb_is_refused_and_can_be_read_in_pieces(libsql):
    items().bulk_create([Item(name=str(n), text="x" * 3 * MIB) for n in range(4)], batch_size=2)

    with pytest.raises(DataError, match=r"(?i)response is too large"):
        list(items().all())

    assert libsql.is_usable()
    assert sum(len(items().get(name=str(number)).text) for number in range(4)) == 12 * MIB


def test_a_statement_takes_32766_parameters(libsql):
    wanted = [str(number) for number in range(32766)]
    items().create(name="7")

    assert items().filter(name__in=wanted).count() == 1
    assert len(items().in_bulk(range(40000))) == 1
    items().bulk_create(Item(name=f"new {number}") for number in range(10000))
    assert items().count() == 10001


def test_errors_are_of_the_kinds_that_django_knows(libsql):
    items().create(name="a")

    with pytest.raises(IntegrityError, match=r"^UNIQUE constraint failed: libsql_tests_item\.name"):
        items().create(name="a")
    with pytest.raises(IntegrityError, match="FOREIGN KEY"):
        Part.objects.using("libsql").create(item_id=4711)
    with libsql.cursor() as cursor:
        for sql, told in (
            ("SELEC 1", "syntax error"),
            ("SELECT * FROM nowhere", "no such table"),
            ("SELECT 1; SELECT 2", "more than one statement"),
            ("VACUUM", "unsupported statement"),
        ):
            with pytest.raises(OperationalError, match=told):
                cursor.execute(sql)
    assert libsql.is_usable()


def test_having_without_grouping_is_what_the_server_parses(libsql):
    items().create(name="a")

    assert items().aggregate(n=Count("pk")) == {"n": 1}
    with libsql.cursor() as cursor:
        query = items().values(one=F("number") * 0).annotate(n=Count("pk")).filter(n__gt=0)
        cursor.execute(*query.query.sql_with_params())
        assert cursor.fetchall() == [(0, 1)]


def test_what_the_server_has_no_function_for_is_refused_by_name(libsql):
    for refused, name in (
        (lambda: items().aggregate(StdDev("number")), "StdDev"),
        (lambda: list(items().order_by("?")), "Random"),
        (lambda: list(items().annotate(x=Random())), "Random"),
        (lambda: list(items().annotate(x=LPad("name", 9))), "LPad"),
        (lambda: list(items().filter(name__iregex="a")), "iregex"),
        (lambda: list(items().annotate(x=F("number").bitxor(1))), "exclusive or"),
    ):
        with pytest.raises(NotSupportedError, match=name):
            refused()


def test_queries_that_are_logged_ask_the_server_nothing(libsql):
    with CaptureQueriesContext(libsql) as captured:
        items().filter(name="it's", number=1, text=None, blob=b"\x00\xff").exists()

    (query,) = captured.captured_queries
    assert "'it''s'" in query["sql"]
    assert "X'00ff'" in query["sql"]
