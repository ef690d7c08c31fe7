"""What kombu's Redis channels are told to do otherwise.

*Lose a connection.* When Redis goes away, Celery 5.7 closes the consumer's connection and then its
channels. With a message in hand kombu 5.7 then asks a connection that it has let go for its
address, and what comes of it is no connection error: the worker ends, and nobody is there when
Redis is back. A channel without a connection is told to say so instead, which Celery and kombu
know how to take.

*Keep a client.* kombu makes a new client of the driver for whatever it does on Redis, several times
a message, which takes longer than Redis. A client holds nothing but the channel's pool of
connections, so the channel keeps one.
"""

from __future__ import annotations

from typing import Any


def mend_redis_channels() -> None:
    """Mend kombu's Redis channels in this process.

    Does nothing where there is no Redis driver; a second call changes nothing.
    """
    try:
        from kombu.transport import redis  # noqa: PLC0415  hosts without Redis do not pay for it
    except ImportError:
        return
    channel: Any = redis.Channel
    if getattr(channel, "is_mended", False):
        return
    channel.is_mended = True
    channel._connparams = _saying_when_closed(channel._connparams)  # noqa: SLF001
    channel._create_client = _keeping_client(channel._create_client)  # noqa: SLF001


def _saying_when_closed(original: Any) -> Any:
    def connparams(self: Any, *args: Any, **options: Any) -> Any:
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("the connection of this channel is closed")
        return original(self, *args, **options)

    return connparams


def _keeping_client(original: Any) -> Any:
    def create_client(self: Any, *args: Any, **options: Any) -> Any:
        if args or options:
            # One that an event loop watches, of which there is one anyway.
            return original(self, *args, **options)
        kept = self.__dict__.get("kept_client")
        if kept is None or kept.connection_pool is not self._pool:
            kept = self.__dict__["kept_client"] = original(self)
        return kept

    return create_client
