"""Ways to get an error out of a real database: each raises it on this thread's connection.

Every function takes another connection to the same database, to stand in the way with.
"""

import threading
import time
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection, connections, transaction

from tests.shop.models import Entry

UPDATE = "UPDATE shop_entry SET name = 'changed'"


class Other:
    """Another connection to the default database."""

    def __init__(self):
        self._wrapper = connections.create_connection("default")
        self._wrapper.inc_thread_sharing()

    def run(self, sql):
        with self._wrapper.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def close(self):
        self._wrapper.close()


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def soon(act, *arguments):
    """Do something on another thread while the body waits for the database."""
    timer = threading.Timer(0.2, act, arguments)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def raised(code):
    """Return what raises the error of that code; the real thing would hurt others."""

    def provoke(_other):
        if connection.vendor == "postgresql":
            run(f"DO $$ BEGIN RAISE EXCEPTION 'provoked' USING ERRCODE = '{code}'; END $$")
        else:
            run(f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'provoked'")

    return provoke


# On every server


def deadlock(other):
    mine, theirs = (Entry.objects.create(name=name).pk for name in "ab")
    errors = []

    def cross():
        try:
            other.run(f"{UPDATE} WHERE id = {mine}")
        except DatabaseError as error:
            errors.append(error)
        other.run("ROLLBACK")

    other.run("BEGIN")
    other.run(f"{UPDATE} WHERE id = {theirs}")
    with suppress(DatabaseError), transaction.atomic():
        run(f"{UPDATE} WHERE id = {mine}")
        with soon(cross):
            try:
                run(f"{UPDATE} WHERE id = {theirs}")
            except DatabaseError as error:
                errors.append(error)
                raise
    raise errors[0]


def changed_since_it_was_read(other):
    Entry.objects.create(name="a")
    if connection.vendor == "mysql":
        run("SET innodb_snapshot_isolation = ON")
    run(
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ"
        if connection.vendor == "postgresql"
        else "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    )
    with transaction.atomic():
        run("SELECT * FROM shop_entry")
        other.run(UPDATE)
        run(UPDATE)


def row_is_locked(other):
    Entry.objects.create(name="a")
    other.run("BEGIN")
    other.run(UPDATE)
    run(
        "SET lock_timeout = 50"
        if connection.vendor == "postgresql"
        else "SET innodb_lock_wait_timeout = 1"
    )
    run("UPDATE shop_entry SET name = 'b'")


def read_only(_other):
    run(
        "SET default_transaction_read_only = on"
        if connection.vendor == "postgresql"
        else "SET SESSION TRANSACTION READ ONLY"
    )
    Entry.objects.create(name="a")


def duplicate(_other):
    Entry.objects.create(pk=1, name="a")
    Entry.objects.create(pk=1, name="b")


def too_long(_other):
    Entry.objects.create(name="a" * 10_000)


def no_such_table(_other):
    run("SELECT * FROM nowhere")


# PostgreSQL


def backend_is_terminated(other):
    ((pid,),) = run("SELECT pg_backend_pid()")
    with soon(other.run, f"SELECT pg_terminate_backend({pid})"):
        run("SELECT pg_sleep(20)")


def backend_is_terminated_in_a_transaction(other):
    with transaction.atomic():
        backend_is_terminated(other)


def statement_is_cancelled(other):
    ((pid,),) = run("SELECT pg_backend_pid()")
    with soon(other.run, f"SELECT pg_cancel_backend({pid})"):
        run("SELECT pg_sleep(20)")


def statement_takes_too_long(_other):
    run("SET statement_timeout = 50")
    run("SELECT pg_sleep(20)")


def transaction_is_idle(_other):
    run("SET idle_in_transaction_session_timeout = 50")
    with transaction.atomic():
        run("SELECT 1")
        time.sleep(0.3)
        run("SELECT 1")


# MariaDB


def connection_is_killed(other):
    ((pid,),) = run("SELECT CONNECTION_ID()")
    other.run(f"KILL {pid}")
    run("SELECT 1")


def connection_is_killed_in_a_transaction(other):
    with transaction.atomic():
        Entry.objects.create(name="a")
        connection_is_killed(other)


def query_is_killed(other):
    Entry.objects.create(name="a")
    ((pid,),) = run("SELECT CONNECTION_ID()")
    blocker = Other()
    try:
        blocker.run("BEGIN")
        blocker.run(UPDATE)
        with soon(other.run, f"KILL QUERY {pid}"):
            run("UPDATE shop_entry SET name = 'b'")
    finally:
        blocker.close()


def query_takes_too_long(other):
    run("SET max_statement_time = 0.05")
    Entry.objects.create(name="a")
    other.run("BEGIN")
    other.run(UPDATE)
    run("UPDATE shop_entry SET name = 'b'")


def transaction_is_idle_too_long(_other):
    run("SET idle_transaction_timeout = 1")
    with transaction.atomic():
        Entry.objects.create(name="a")
        time.sleep(1.3)
        run("SELECT 1")


# SQLite


def file_is_locked(other):
    run("PRAGMA busy_timeout = 0")
    other.run("BEGIN IMMEDIATE")
    Entry.objects.create(name="a")


def file_changed_since_it_was_read(other):
    run("BEGIN")
    run("SELECT * FROM shop_entry")
    other.run("INSERT INTO shop_entry (name) VALUES ('b')")
    run("INSERT INTO shop_entry (name) VALUES ('a')")


def file_is_full(_other):
    run("PRAGMA max_page_count = 1")  # what it has stays
    run("INSERT INTO shop_entry (name) VALUES (HEX(ZEROBLOB(4000000)))")


def file_is_read_only(_other):
    run("PRAGMA query_only = ON")
    Entry.objects.create(name="a")


def statement_is_interrupted(_other):
    connection.ensure_connection()
    with soon(connection.connection.interrupt):
        run("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n")


TRANSIENT = {
    "postgresql": [
        backend_is_terminated,
        backend_is_terminated_in_a_transaction,
        statement_is_cancelled,
        statement_takes_too_long,
        transaction_is_idle,
        row_is_locked,
        changed_since_it_was_read,
        deadlock,
        read_only,
        *map(raised, ["53100", "53200", "53300", "57P01", "57P02", "57P03", "58030"]),
    ],
    "mysql": [
        connection_is_killed,
        connection_is_killed_in_a_transaction,
        query_is_killed,
        query_takes_too_long,
        transaction_is_idle_too_long,
        row_is_locked,
        changed_since_it_was_read,
        deadlock,
        read_only,
        *map(raised, [1021, 1040, 1053, 1114, 1203, 1290, 1836]),
    ],
    "sqlite": [
        file_is_locked,
        file_changed_since_it_was_read,
        file_is_full,
        file_is_read_only,
        statement_is_interrupted,
    ],
}
"""What the same act may be spared a moment later, by the kind of database. Codes are PostgreSQL's
(disk full, out of memory, too many connections, shutdown, crash, start-up, disk error) and
MariaDB's (disk full, too many connections, shutdown, table full, too many of one user's, read-only
server twice)."""

LASTING = {
    "postgresql": [duplicate, too_long, no_such_table, raised("22P05")],
    "mysql": [duplicate, too_long, no_such_table],
    "sqlite": [duplicate],
}
"""What would fail again."""
