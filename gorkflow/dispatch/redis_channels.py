"""Lets a worker outlive the loss of Redis.

When Redis goes away, Celery 5.7 closes the consumer's connection and then its channels. With a
message in hand kombu 5.7 then asks a connection that it has let go for its address, and what comes
of it is no connection error: the worker ends, and nobody is there when Redis is back. A channel
without a connection is told to say so instead, which Celery and kombu know how to take.
"""

from __future__ import annotations

from typing import Any


def mend_redis_channels() -> None:
    """Make kombu's Redis channels raise a connection error once their connection is gone.

    Does nothing where there is no Redis driver; a second call changes nothing.
    """
    try:
        from kombu.transport import redis  # noqa: PLC0415  hosts without Redis do not pay for it
    except ImportError:
        return
    channel: Any = redis.Channel
    original = channel._connparams  # noqa: SLF001
    if getattr(original, "is_mended", False):
        return

    def mended(self: Any, *args: Any, **options: Any) -> Any:
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("the connection of this channel is closed")
        return original(self, *args, **options)

    mended.is_mended = True  # type: ignore[attr-defined]
    channel._connparams = mended  # noqa: SLF001
