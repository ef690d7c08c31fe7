"""Celery brokers that lose, double and delay messages: kombu transports for Redis and RabbitMQ.

Only the engine's own messages are meddled with, where they are published; Celery's control
messages pass. What is done is decided by a seeded random of each process and noted in the journal.
"""

from __future__ import annotations

import copy
import json
import os
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES, pyamqp, redis

from chaos.journal import MESSAGES, note

TASK = "gorkflow.work"
PREFIX = "chaos"
"""Put before a broker's URL, it chooses the transports of this module."""
URL_VARIABLE = "CELERY_BROKER_URL"
MISCHIEF_VARIABLE = "GORKFLOW_CHAOS_MISCHIEF"
"""The fields of a Mischief as JSON."""


class Fate(StrEnum):
    """What becomes of a message."""

    SENT = "sent"
    DROPPED = "dropped"
    DOUBLED = "doubled"
    DELAYED = "delayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mischief:
    """How much of it.

    Args:
        seed: with the process id, what the process's random starts from.
        drop, double, delay: shares of the messages, 0 to 1, together at most 1.
        longest: seconds of delay at most.

    """

    seed: int = 0
    drop: float = 0.1
    double: float = 0.1
    delay: float = 0.1
    longest: float = 3.0

    def fate(self, rand: random.Random) -> Fate:
        """Decide for one message."""
        fates = (Fate.DROPPED, Fate.DOUBLED, Fate.DELAYED, Fate.SENT)
        shares = (self.drop, self.double, self.delay)
        return rand.choices(fates, weights=(*shares, 1 - sum(shares)))[0]


Publish = Callable[[Any], Any]


class Meddler:
    """Stands between a channel's publish and the broker, one for each process.

    Args:
        mischief: how much of it.
        later: does something after so many seconds.

    """

    def __init__(
        self, mischief: Mischief, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self._mischief = mischief
        self._later = later
        self._pid = 0
        self._random = random.Random()

    def publish(self, message: Any, now: Publish, elsewhere: Publish) -> Any:
        """Publish a message, or not, or twice, or later.

        Args:
            message: kombu's; publishing a virtual one changes it.
            now: publishes on the caller's channel.
            elsewhere: publishes from any thread, on a connection of its own.

        """
        if self._pid != os.getpid():
            # A forked child must not repeat what its parent or brother decided.
            self._pid = os.getpid()
            self._random = random.Random(f"{self._mischief.seed}/{self._pid}")
        fate = self._mischief.fate(self._random)
        note(MESSAGES, fate=fate)
        if fate is Fate.DROPPED:
            return None
        if fate is Fate.DELAYED:
            held = copy.deepcopy(message)
            self._later(self._random.uniform(0.05, self._mischief.longest), lambda: elsewhere(held))
            return None
        if fate is Fate.DOUBLED:
            now(copy.deepcopy(message))
        return now(message)


def in_a_thread(seconds: float, act: Callable[[], None]) -> None:
    """Act later in a thread; a process that ends before takes the message with it."""

    def quietly() -> None:
        with suppress(Exception):  # the broker is away: then the message is lost
            act()

    timer = threading.Timer(seconds, quietly)
    timer.daemon = True
    timer.start()


MEDDLER = Meddler(Mischief(**json.loads(os.environ.get(MISCHIEF_VARIABLE, "{}"))), in_a_thread)


def publish_elsewhere(message: Any, *where: str, **options: Any) -> None:
    """Publish on a connection of its own, by the honest transport."""
    url = os.environ[URL_VARIABLE].removeprefix(PREFIX)
    with Connection(url, connect_timeout=3) as connection:
        channel: Any = connection.default_channel
        channel.basic_publish(message, *where, **options)


def _meddle(
    publish: Callable[..., Any], headers: Any, message: Any, *where: str, **options: Any
) -> Any:
    """Publish the message as it is, or let the meddler do what it likes with it."""
    if (headers or {}).get("task") != TASK:
        return publish(message, *where, **options)
    return MEDDLER.publish(
        message,
        lambda each: publish(each, *where, **options),
        lambda each: publish_elsewhere(each, *where, **options),
    )


class RedisChannel(redis.Channel):
    """Redis, with a meddler in the line."""

    def basic_publish(self, *message: Any, **where: Any) -> Any:
        """Publish what the meddler lets through."""
        return _meddle(super().basic_publish, message[0]["headers"], *message, **where)


class RedisTransport(redis.Transport):
    """What kombu opens for `chaosredis://`."""

    Channel = RedisChannel


class AmqpChannel(pyamqp.Channel):
    """RabbitMQ, with a meddler in the line."""

    def basic_publish(self, *message: Any, **where: Any) -> Any:
        """Publish what the meddler lets through."""
        headers = message[0].properties.get("application_headers")
        return _meddle(super().basic_publish, headers, *message, **where)


class AmqpConnection(pyamqp.Connection):
    """Opens such channels."""

    Channel = AmqpChannel


class AmqpTransport(pyamqp.Transport):
    """What kombu opens for `chaosamqp://`."""

    Connection = AmqpConnection


def register() -> None:
    """Make kombu know the two schemes."""
    TRANSPORT_ALIASES[f"{PREFIX}redis"] = f"{__name__}:{RedisTransport.__qualname__}"
    TRANSPORT_ALIASES[f"{PREFIX}amqp"] = f"{__name__}:{AmqpTransport.__qualname__}"
