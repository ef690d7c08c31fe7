"""The floor: what the database itself makes of "end this step, begin the next".

The same two changes once as one statement and once as a transaction of two UPDATEs, by the driver
alone, with nothing of an engine around them.
"""

from __future__ import annotations

import os
import sqlite3
from abc import abstractmethod
from collections.abc import Callable
from importlib.metadata import version
from uuid import uuid4

import psycopg

from benchmarks.drivers.protocol import About, Driver, serve
from benchmarks.drivers.timing import at_once
from benchmarks.figures import Raw
from benchmarks.sqlite import PRAGMAS, STATED
from benchmarks.workloads import Size

URL = os.environ.get("DATABASE_URL", "")
ROWS = 1000
TABLE = """CREATE TABLE IF NOT EXISTS floor_step (
    id {key}, owner TEXT NOT NULL, position INTEGER NOT NULL, status TEXT NOT NULL,
    token TEXT, due_at {time}, attempt INTEGER NOT NULL DEFAULT 0, output TEXT,
    started_at {time}, ended_at {time}, UNIQUE (owner, position))"""
END = """UPDATE floor_step SET status = 'COMPLETED', output = {p}, token = NULL, due_at = NULL,
    ended_at = {now} WHERE owner = {p} AND position = {p} AND token = {p}"""
BEGIN = """UPDATE floor_step SET status = 'RUNNING', token = {p}, due_at = {later},
    attempt = attempt + 1, started_at = {now} WHERE owner = {p} AND position = {p}"""
SQLITE_BOTH = """UPDATE floor_step SET status = iif(position = :ended, 'COMPLETED', 'RUNNING'),
    output = iif(position = :ended, '1', output), token = iif(position = :ended, NULL, :taker),
    due_at = iif(position = :ended, NULL, unixepoch() + 30),
    attempt = attempt + (position <> :ended),
    ended_at = iif(position = :ended, unixepoch(), ended_at),
    started_at = iif(position = :ended, started_at, unixepoch())
    WHERE owner = :owner AND (position = :begun OR position = :ended AND token = :token)"""


class Floor(Driver):
    """Counts the two changes per second on one connection."""

    def __init__(self) -> None:
        self._owner = uuid4().hex
        self._token = ""
        self._position = 0
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Connect, make the table and its rows."""

    @abstractmethod
    def in_one(self, position: int, following: int, token: str) -> None:
        """Make both changes in one statement."""

    @abstractmethod
    def in_two(self, position: int, following: int, token: str) -> None:
        """Make both changes in a transaction."""

    def warm_up(self) -> None:
        """Make some changes of each kind."""
        self.statement(Size(50, 1))
        self.transaction(Size(50, 1))

    def statement(self, size: Size) -> Raw:
        """Count the one statement."""
        return at_once(size.runs, lambda: self._changes(size.runs, self.in_one))

    def transaction(self, size: Size) -> Raw:
        """Count the transaction."""
        return at_once(size.runs, lambda: self._changes(size.runs, self.in_two))

    def rows(self) -> list[tuple[str, int]]:
        """Return the rows to insert."""
        return [(self._owner, position) for position in range(ROWS)]

    def _changes(self, count: int, change: Callable[[int, int, str], None]) -> None:
        for _ in range(count):
            following = (self._position + 1) % ROWS
            token = uuid4().hex
            change(self._position, following, token)
            self._token, self._position = token, following


class PostgresFloor(Floor):
    """psycopg with its prepared statements."""

    def prepare(self) -> None:
        """Connect, make the table and its rows."""
        self._connection = psycopg.connect(URL, autocommit=True)
        words = {"p": "%s", "now": "now()", "later": "now() + interval '30 s'"}
        self._end, self._begin = END.format(**words), BEGIN.format(**words)
        self._both = f"WITH ended AS ({self._end} RETURNING 1) {self._begin}"
        execute = self._connection.execute
        with self._connection.transaction():
            # Two connections begin at once, and only one may make the table.
            execute("SELECT pg_advisory_xact_lock(1)")
            execute(TABLE.format(key="bigserial PRIMARY KEY", time="timestamptz"))
        insert = "INSERT INTO floor_step (owner, position, status) VALUES (%s, %s, 'PENDING')"
        self._connection.cursor().executemany(insert, self.rows())
        execute("VACUUM ANALYZE floor_step")

    def in_one(self, position: int, following: int, token: str) -> None:
        """Make both changes in one statement."""
        ended = ("1", self._owner, position, self._token)
        self._connection.execute(self._both, (*ended, token, self._owner, following))

    def in_two(self, position: int, following: int, token: str) -> None:
        """Make both changes in a transaction."""
        with self._connection.transaction():
            self._connection.execute(self._end, ("1", self._owner, position, self._token))
            self._connection.execute(self._begin, (token, self._owner, following))

    def about(self) -> About:
        """Describe it."""
        return About(
            versions=f"psycopg {version('psycopg')}",
            settings="autocommit, prepared statements, one connection a process",
            durability="each change is committed",
        )

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()


class SqliteFloor(Floor):
    """The standard library's sqlite3, in WAL mode as the engine has it."""

    def prepare(self) -> None:
        """Connect, make the table and its rows."""
        path = URL.removeprefix("sqlite:///")
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        execute = self._connection.execute
        for pragma in PRAGMAS:
            execute(pragma)
        words = {"p": "?", "now": "unixepoch()", "later": "unixepoch() + 30"}
        self._end, self._begin = END.format(**words), BEGIN.format(**words)
        execute("BEGIN IMMEDIATE")
        execute(TABLE.format(key="INTEGER PRIMARY KEY", time="REAL"))
        insert = "INSERT INTO floor_step (owner, position, status) VALUES (?, ?, 'PENDING')"
        self._connection.executemany(insert, self.rows())
        execute("COMMIT")

    def in_one(self, position: int, following: int, token: str) -> None:
        """Make both changes in one statement."""
        values = {"ended": position, "begun": following, "taker": token}
        self._connection.execute(SQLITE_BOTH, values | {"owner": self._owner, "token": self._token})

    def in_two(self, position: int, following: int, token: str) -> None:
        """Make both changes in a transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(self._end, ("1", self._owner, position, self._token))
        self._connection.execute(self._begin, (token, self._owner, following))
        self._connection.execute("COMMIT")

    def about(self) -> About:
        """Describe it."""
        return About(
            versions=f"SQLite {sqlite3.sqlite_version}",
            settings=f"{STATED}, one connection a process",
            durability="survives the process; a power cut may undo the last commits",
        )

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()


if __name__ == "__main__":
    serve(SqliteFloor if URL.startswith("sqlite") else PostgresFloor)
