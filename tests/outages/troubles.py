"""Databases that take no writes for a while, each in the way it happens there."""

import os
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection, connections

SMALL = 64 * 2**20
"""Bytes of a disk that a test may fill."""


class Trouble:
    """Something that keeps this process's connections from writing, between begin and end."""

    def begin(self):
        raise NotImplementedError

    def end(self):
        raise NotImplementedError


class ByOption(Trouble):
    """An option that every new connection is opened with."""

    def __init__(self, name, value):
        self._name, self._value = name, value
        self._before = None

    def begin(self):
        options = connection.settings_dict["OPTIONS"]
        self._before = options.get(self._name)
        options[self._name] = f"{self._before or ''}{self._value}"
        connection.close()

    def end(self):
        options = connections.settings["default"]["OPTIONS"]
        if self._before is None:
            options.pop(self._name, None)
        else:
            options[self._name] = self._before


class Full(ByOption):
    """SQLite may not add a page to its file."""

    def __init__(self):
        super().__init__("init_command", " PRAGMA max_page_count = 1;")

    def begin(self):
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")  # or there may be room in pages that are free
        super().begin()


class NoRoom(Trouble):
    """The disk with SQLite's file is full, to the last byte."""

    def __init__(self):
        self._filler = directory() / "filler"
        # Other processes have the file open. Where nobody has, SQLite cannot even read it then: it
        # has to make files beside it.
        self._other = connections.create_connection("default")
        self._other.inc_thread_sharing()  # ended by a timer

    def begin(self):
        with connection.cursor() as cursor:
            # Or there would be room in what the files have already.
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with self._other.cursor() as cursor:
            cursor.execute("SELECT * FROM shop_entry")
        connection.close()
        with self._filler.open("wb", buffering=0) as file:
            for size in (2**16, 2**10, 1):
                with suppress(OSError):
                    while True:
                        file.write(b"x" * size)

    def end(self):
        self._filler.unlink(missing_ok=True)
        self._other.close()


def directory():
    return Path(settings.DATABASES["other"]["TEST"]["NAME"]).parent


def is_on_a_small_disk():
    found = os.statvfs(directory())
    return found.f_blocks * found.f_frsize <= SMALL


class ReadOnly(ByOption):
    """What the server says since a failover, or a file system that went read-only."""

    def __init__(self):
        how = {
            "sqlite": ("init_command", " PRAGMA query_only = ON;"),
            "postgresql": ("options", "-c default_transaction_read_only=on"),
            "mysql": ("init_command", "SET SESSION TRANSACTION READ ONLY"),
        }
        super().__init__(*how[connection.vendor])


class Locked(Trouble):
    """Another connection writes and does not end."""

    def __init__(self):
        self._other = connections.create_connection("default")
        self._other.inc_thread_sharing()
        self._timeout = connection.settings_dict["OPTIONS"]["timeout"]

    def begin(self):
        options = connection.settings_dict["OPTIONS"]
        options["timeout"] = 0.05
        connection.close()
        with self._other.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")

    def end(self):
        connections.settings["default"]["OPTIONS"]["timeout"] = self._timeout
        self._other.close()


class DiskFull(Trouble):
    """The server has no room for another row, found after others were written."""

    def begin(self):
        self._execute(*_NO_ROOM[connection.vendor])

    def end(self):
        self._execute(*_ROOM[connection.vendor])

    def _execute(self, *statements):
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        other.close()


_NO_ROOM = {
    "postgresql": [
        """CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100';
        END $$""",
        """CREATE TRIGGER no_room AFTER INSERT OR UPDATE ON gorkflow_stepexecution
            FOR EACH STATEMENT EXECUTE FUNCTION no_room()""",
    ],
    "mysql": [
        f"""CREATE TRIGGER no_room_{event} AFTER {event} ON gorkflow_stepexecution FOR EACH ROW
            SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1021, MESSAGE_TEXT = 'no space left'"""
        for event in ("INSERT", "UPDATE")
    ],
}
_ROOM = {
    "postgresql": ["DROP FUNCTION IF EXISTS no_room CASCADE"],
    "mysql": [f"DROP TRIGGER IF EXISTS no_room_{event}" for event in ("INSERT", "UPDATE")],
}
TROUBLES = {
    # test_full_disk runs these tests where there is one.
    "sqlite3": [NoRoom] if is_on_a_small_disk() else [Full, Locked, ReadOnly],
    "postgresql": [DiskFull, ReadOnly],
    "mysql": [DiskFull, ReadOnly],
}
