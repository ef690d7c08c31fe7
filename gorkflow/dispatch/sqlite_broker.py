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
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any
from urllib.parse import unquote, urlsplit

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

from gorkflow.dispatch.sqlite_file import PURGE, BrokerFile, BrokerFileError
from gorkflow.dispatch.transports import register

__all__ = ["BrokerFile", "BrokerFileError", "Channel", "QoS", "Transport", "register"]

logger = logging.getLogger(__name__)


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
        return len(self.file.execute(PURGE, queue))

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


register()
