"""A Celery broker without a server: a kombu transport over one SQLite file.

    import gorkflow.dispatch.sqlite_broker  # in celery.py: the import registers the URL scheme

    broker_url = "sqlitefile:///srv/shop/broker.sqlite3"  # sqlitefile://shop.sqlite3 is relative

It is the default of the demo and of a first try. A killed worker's messages come back, countdowns
included: a message stays in the file until it is acknowledged, and belongs to a worker only while
that worker's process renews its lease. kombu's own two file transports were measured and refused.
Neither is asynchronous, so prefork takes its shared-lock pool, where killing an idle child can
stall the worker; `filesystem://` readers can meet a half-written message; `sqla+sqlite://` never
deletes a row, and loses the task of a killed busy child.

Priorities (0..9, higher first), prefetch, topic and fanout exchanges, `celery inspect` and events
work, with the prefork, solo and threads pools. Limits: one machine, a local disk, Linux or macOS;
TTLs are ignored; a power cut may undo the last commits; deleting the file deletes the messages.
Not for production at scale: use Redis or RabbitMQ there.

Options (`broker_transport_options`), times in seconds:
    polling_interval: 0.1, how long a message may wait for an idle worker.
    lease: 10, how long a dead worker keeps its messages; they are free at most a third later.
    max_deliveries: 20, then a message is dropped with a warning, as it kills whoever takes it.
    busy_timeout: 10, how long a statement waits for another process's write.
"""

# ruff: noqa: ARG002 -- the signatures are kombu's

import logging
import os
import socket
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from kombu.transport import TRANSPORT_ALIASES, virtual
from kombu.utils.json import dumps, loads

__all__ = ["BrokerFile", "BrokerFileError", "Channel", "QoS", "Transport", "register"]

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
_PURGE = "DELETE FROM message WHERE queue = ? AND owner IS NULL RETURNING id"
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
_files: "weakref.WeakSet[BrokerFile]" = weakref.WeakSet()
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


def _keep(file_ref: "weakref.ref[BrokerFile]", closed: threading.Event, interval: float) -> None:
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


os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)


class QoS(virtual.QoS):
    """Settles messages in the file at once, from any thread."""

    channel: "Channel"

    def ack(self, delivery_tag: Any) -> None:
        """Delete the message."""
        self._settle(self.channel.file.delete, delivery_tag)

    def reject(self, delivery_tag: Any, requeue: bool = False) -> None:
        """Delete the message or make it ready again."""
        file = self.channel.file
        self._settle(file.release if requeue else file.delete, delivery_tag)

    def _settle(self, settle: Callable[[int], None], delivery_tag: Any) -> None:
        try:
            settle(delivery_tag)
        finally:  # its place in the prefetch window is free whatever happens
            super().ack(delivery_tag)
            self.channel.wake()


class Channel(virtual.Channel):
    """Speaks kombu to the file."""

    QoS = QoS
    supports_fanout = True

    def __init__(self, connection: "Transport", **kwargs: Any) -> None:
        super().__init__(connection, **kwargs)
        # Not through `connection`: that is None once closed, and a pool thread may ack later.
        self.file = connection.file
        self.wake = connection.wake
        self._transient: set[str] = set()

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        while claimed := self.file.claim(queue):
            tag, text, deliveries = claimed
            payload: dict[str, Any] = loads(text)
            if deliveries <= self.file.max_deliveries:
                # The publisher's tag is no key: a fanout puts it into every queue.
                payload["properties"]["delivery_tag"] = tag
                payload["properties"]["delivery_info"]["redelivered"] = deliveries > 1
                return payload
            self.file.delete(tag)
            task = payload["headers"].get("id", tag)
            logger.warning("dropped %s of queue %s: delivered too often", task, queue)
        raise Empty

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        sql = "INSERT INTO message (queue, priority, payload) VALUES (?, ?, ?)"
        self.file.execute(sql, queue, self._get_message_priority(message), dumps(message))

    def _put_fanout(self, exchange: str, message: Any, routing_key: str, **kwargs: Any) -> None:
        for queue in {row[2] for row in self.get_table(exchange)}:
            self._put(queue, message)

    def _size(self, queue: str) -> int:
        sql = "SELECT count(*) FROM message WHERE queue = ? AND owner IS NULL"
        return int(self.file.execute(sql, queue)[0][0])

    def _purge(self, queue: str) -> int:
        return len(self.file.execute(_PURGE, queue))

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        if kwargs.get("auto_delete") or kwargs.get("exclusive"):
            self._transient.add(queue)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        transient = queue in self._transient
        self.file.bind(exchange, routing_key or "", pattern or "", queue, transient=transient)

    def _restore(self, message: Any) -> None:
        self.file.release(message.delivery_tag, unseen=True)

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """Return the exchange's bindings, whoever made them."""
        sql = "SELECT routing_key, pattern, queue FROM binding WHERE exchange = ?"
        return self.file.execute(sql, exchange)

    def queue_delete(
        self, queue: str, if_unused: bool = False, if_empty: bool = False, **kwargs: Any
    ) -> None:
        """Delete a queue and what was claimed from it; `if_unused` is ignored."""
        if not (if_empty and self._size(queue)):
            self.state.queue_bindings_delete(queue)
            self.file.drop(queue)

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        """Take one message, or None."""
        message: Any = super().basic_get(queue, **kwargs)
        if message is not None and no_ack:
            self.basic_ack(message.delivery_tag)
        return message

    def basic_consume(
        self, queue: str, no_ack: bool, callback: Any, consumer_tag: str | None, **kwargs: Any
    ) -> str:
        """Consume from a queue; with `no_ack` a message is settled as it is delivered."""

        def settled(message: Any) -> Any:
            self.basic_ack(message.delivery_tag)
            return callback(message)

        receive = settled if no_ack else callback
        return super().basic_consume(queue, False, receive, consumer_tag, **kwargs)


class Transport(virtual.Transport):
    """What kombu opens for a `sqlitefile://` URL."""

    Channel = Channel
    can_parse_url = True
    driver_type = "sqlite"
    driver_name = "sqlite3"
    polling_interval = 0.1
    connection_errors = (*virtual.Transport.connection_errors, BrokerFileError)
    # An asynchronous transport gives prefork the pool that survives the killing of a child.
    implements = virtual.Transport.implements.extend(
        asynchronous=True, exchange_type=frozenset({"direct", "topic", "fanout"})
    )

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        url = urlsplit(client.hostname)
        if not (path := unquote(url.netloc + url.path)):
            raise ValueError(f"no path in the broker URL {client.hostname!r}")
        self.file = BrokerFile(Path(path), client.transport_options)
        self._loop: Any = None
        self._rests_until = 0.0

    def establish_connection(self) -> Any:
        """Create or check the file. Raises BrokerFileError."""
        self.file.execute("SELECT 1")
        return super().establish_connection()

    def close_connection(self, connection: Any) -> None:
        """Give back what is unacknowledged, and close the file."""
        self._leave_loop()
        super().close_connection(connection)
        self.file.close()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Poll by timer, and at once when there is room again in the prefetch window."""
        self._leave_loop()
        self._loop, self._pid = loop, os.getpid()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._timer = loop.call_repeatedly(self.polling_interval, self._deliver_next)
        loop.add_reader(self._reader, self._on_wake)

    def _leave_loop(self) -> None:
        if self._loop and self._pid == os.getpid():  # a child shares its parent's poller
            self._loop.remove_reader(self._reader)
            self._timer.cancel()
            self._reader.close()
            self._writer.close()
        self._loop = None

    def wake(self) -> None:
        """Have the event loop look for messages now. Callable from any thread."""
        if self._loop:
            with suppress(OSError):  # full: it is awake already; closed: nobody is there
                self._writer.send(b"\0")

    def _on_wake(self) -> None:
        with suppress(OSError):
            self._reader.recv(4096)
        self._deliver_next()

    def _deliver_next(self) -> None:
        if time.monotonic() < self._rests_until:
            return
        try:
            self.cycle.get(self._deliver)  # type: ignore[union-attr]
        except Empty:
            return
        except BrokerFileError as error:
            # No reconnection: that would give back the messages whose tasks are running.
            self._rests_until = time.monotonic() + 1
            logger.warning("cannot poll: %s", error)
        else:
            self.wake()  # one message per turn, so that the loop stays responsive


def register() -> None:
    """Make kombu know `sqlitefile://`. Importing this module has done it."""
    TRANSPORT_ALIASES["sqlitefile"] = f"{__name__}:{Transport.__qualname__}"


register()
