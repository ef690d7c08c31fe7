"""The file behind `sqlite_broker`: messages, who owns them, and the leases that say who lives."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from gorkflow.forks import NO_FORK

__all__ = ["PURGE", "BrokerFile", "BrokerFileError"]

_VERSION = 1
_SCHEMA = (
    # AUTOINCREMENT: a late ack must not meet a new message under the id of a lost one.
    """CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, priority INTEGER NOT NULL,
        payload TEXT NOT NULL, deliveries INTEGER NOT NULL DEFAULT 0, owner TEXT)""",
    "CREATE INDEX message_ready ON message (queue, priority DESC, id) WHERE owner IS NULL",
    "CREATE INDEX message_owned ON message (owner) WHERE owner IS NOT NULL",
    "CREATE TABLE lease (owner TEXT PRIMARY KEY, ends REAL NOT NULL) WITHOUT ROWID",
    """CREATE TABLE binding (exchange TEXT, routing_key TEXT, pattern TEXT, queue TEXT,
        owner TEXT, PRIMARY KEY (exchange, routing_key, queue))""",
    f"PRAGMA user_version = {_VERSION}",
)
_PEEK = "SELECT 1 FROM message WHERE queue = ? AND owner IS NULL LIMIT 1"
_CLAIM = """UPDATE message SET owner = ?, deliveries = deliveries + 1 WHERE id = (
    SELECT id FROM message WHERE queue = ? AND owner IS NULL ORDER BY priority DESC, id LIMIT 1)
    RETURNING id, payload, deliveries"""
PURGE = "DELETE FROM message WHERE queue = ? AND owner IS NULL RETURNING id"
_RELEASE = "UPDATE message SET owner = NULL, deliveries = deliveries - ? WHERE id = ? AND owner = ?"
_ORPHANED = "owner IS NOT NULL AND owner NOT IN (SELECT owner FROM lease)"
_SWEEP = (
    f"DELETE FROM message WHERE queue IN (SELECT queue FROM binding WHERE {_ORPHANED})",  # noqa: S608
    f"DELETE FROM binding WHERE {_ORPHANED}",  # noqa: S608
    f"UPDATE message SET owner = NULL WHERE {_ORPHANED}",  # noqa: S608
)

logger = logging.getLogger(__name__)
# One lock for every statement of this process. A fork takes it too: a child that is born while
# another thread is inside SQLite would inherit SQLite's mutexes locked for ever.
_lock = threading.RLock()
_files: weakref.WeakSet[BrokerFile] = weakref.WeakSet()
_inherited: list[object] = []


class BrokerFileError(ConnectionError):
    """The broker file cannot be used; the message names it. Celery sees a connection error."""


class BrokerFile:
    """One connection to the file, safe over threads and forks, and the lease on what it claimed.

    Every method may raise BrokerFileError.
    """

    def __init__(self, path: Path, options: Mapping[str, Any] | None = None) -> None:
        options = options or {}
        self.path = path.absolute()
        self.max_deliveries = int(options.get("max_deliveries", 20))
        self._lease = float(options.get("lease", 10))
        self._busy_timeout = float(options.get("busy_timeout", 10))
        self.reset()
        with _lock:  # a fork walks over them
            _files.add(self)

    def reset(self) -> None:
        """Forget the connection; be a new owner, who cannot settle the claims of the old one."""
        self.connection: sqlite3.Connection | None = None
        self._owner = uuid4().hex
        self._lease_ends = 0.0
        self._transient: set[tuple[str, ...]] = set()
        self._closed: threading.Event | None = None

    def close(self) -> None:
        """Give back what is claimed, drop transient queues; a later call opens the file again."""
        with _lock:
            if self._closed:
                self._closed.set()
            if self.connection and self._lease_ends:
                # If this fails, the lease ends by itself.
                with suppress(BrokerFileError), self._sweeping() as connection:
                    connection.execute("DELETE FROM lease WHERE owner = ?", [self._owner])
            if self.connection:
                self.connection.close()
            self.reset()

    def execute(self, sql: str, *values: object) -> list[Any]:
        """Run one statement and return its rows."""
        with self._session() as connection:
            return connection.execute(sql, values).fetchall()

    def claim(self, queue: str) -> tuple[int, str, int] | None:
        """Take the first ready message: id, payload, deliveries. With none ready, only read."""
        if not self.execute(_PEEK, queue):
            return None
        self.hold()
        claimed = self.execute(_CLAIM, self._owner, queue)
        return claimed[0] if claimed else None

    def delete(self, tag: int) -> None:
        """Settle a message, unless its lease was lost."""
        self.execute("DELETE FROM message WHERE id = ? AND owner = ?", tag, self._owner)

    def release(self, tag: int, *, unseen: bool = False) -> None:
        """Make a message ready again, in its old place; `unseen` takes the delivery back."""
        self.execute(_RELEASE, unseen, tag, self._owner)

    def bind(self, *row: str, transient: bool) -> None:
        """Add (exchange, routing key, pattern, queue); a transient queue ends with its owner."""
        with _lock:
            if transient:
                self._transient.add(row)
                self.hold()
            owner = self._owner if transient else None
            self.execute("INSERT OR REPLACE INTO binding VALUES (?, ?, ?, ?, ?)", *row, owner)

    def drop(self, queue: str) -> None:
        """Delete a queue, its messages and its bindings."""
        with _lock:
            self._transient = {row for row in self._transient if row[3] != queue}
            self.execute("DELETE FROM binding WHERE queue = ?", queue)
            self.execute("DELETE FROM message WHERE queue = ?", queue)

    def hold(self) -> None:
        """Have a lease, and a thread that renews it until the file is closed."""
        with _lock:
            # A process that was suspended for long must not claim under the lease that it lost.
            if self._lease_ends < time.time() + self._lease / 2:
                self.renew()
            if self._closed is None:
                self._closed = threading.Event()
                args = (weakref.ref(self), self._closed, self._lease / 3)
                threading.Thread(target=_keep, args=args, daemon=True).start()

    def renew(self) -> None:
        """Extend this lease, and free what expired leases held."""
        now = time.time()
        with self._sweeping() as connection:
            row = (self._owner, now + self._lease)
            connection.execute("INSERT OR REPLACE INTO lease VALUES (?, ?)", row)
            bindings = [(*binding, self._owner) for binding in self._transient]
            connection.executemany("INSERT OR IGNORE INTO binding VALUES (?, ?, ?, ?, ?)", bindings)
            connection.execute("DELETE FROM lease WHERE ends < ?", [now])
        self._lease_ends = now + self._lease

    @contextmanager
    def _session(self) -> Iterator[sqlite3.Connection]:
        with _lock:
            try:
                if self.connection is None or self._inode != _inode(self.path):
                    self._reconnect()
                assert self.connection
                yield self.connection
            except sqlite3.Error as error:
                raise BrokerFileError(f"broker file {self.path}: {error}") from error

    @contextmanager
    def _sweeping(self) -> Iterator[sqlite3.Connection]:
        with self._session() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            for statement in _SWEEP:
                connection.execute(statement)

    def _reconnect(self) -> None:
        if self.connection:  # somebody deleted the file, and the others are in a new one
            self.connection.close()
            self._lease_ends = 0.0
        self.connection = sqlite3.connect(
            self.path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
        )
        try:
            _create(self.connection)
            self._write_ahead(self.connection)
        except BaseException:
            self.connection.close()
            self.connection = None
            raise
        self._inode = _inode(self.path)

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # The busy timeout does not cover the switch, in which processes may meet.
        deadline = time.monotonic() + self._busy_timeout
        while time.monotonic() < deadline:
            with suppress(sqlite3.OperationalError):
                if connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",):
                    connection.execute("PRAGMA synchronous = NORMAL")
                    return
            time.sleep(0.01)
        raise sqlite3.OperationalError("no write-ahead log: read-only, locked or not a local disk")


def _inode(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_ino
    return 0


def _create(connection: sqlite3.Connection) -> None:
    if _is_ours(connection):
        return
    with connection:
        connection.execute("BEGIN EXCLUSIVE")
        if _is_ours(connection):  # another process was first
            return
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise sqlite3.DatabaseError("holds something else, or another version's messages")
        for statement in _SCHEMA:
            connection.execute(statement)


def _is_ours(connection: sqlite3.Connection) -> bool:
    version: tuple[int] = connection.execute("PRAGMA user_version").fetchone()
    return version == (_VERSION,)


def _keep(file_ref: weakref.ref[BrokerFile], closed: threading.Event, interval: float) -> None:
    while not closed.wait(interval):
        with _lock:  # close() holds it as well, so a closed file is not opened again
            file = file_ref()
            if file is None or closed.is_set():
                return
            try:
                file.renew()
            except BrokerFileError as error:
                logger.warning("lease not renewed: %s", error)
            del file


def _before_fork() -> None:
    _lock.acquire()
    # Kept alive in the child for ever: a collected connection would be closed there.
    _inherited.append([(file, file.connection) for file in _files])


def _in_parent() -> None:
    _inherited.pop()
    _lock.release()


def _in_child() -> None:
    for file in _files:
        file.reset()
    _lock.release()


NO_FORK.bring(_before_fork, _in_parent, _in_child)
