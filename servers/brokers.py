"""Redis and RabbitMQ."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path

import redis
from kombu import Connection, Queue

from servers.base import Server, free_port, program

QUEUE = "celery"


class Broker(Server):
    """A server that carries messages."""

    @abstractmethod
    def flush(self) -> None:
        """Throw all waiting messages away."""


class Redis(Broker):
    """Redis that keeps nothing on disk: a restart loses all messages."""

    name = "Redis"

    @property
    def url(self) -> str:
        """Database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    def launch(self) -> None:
        """Start it."""
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        server = program("redis-server")
        self._run([server, "--port", str(self.port), "--dir", str(self.home), *options])

    def knock(self) -> None:
        """Ping."""
        with redis.Redis.from_url(self.url, socket_timeout=3) as client:
            client.ping()

    def flush(self) -> None:
        """FLUSHALL: messages, unacknowledged ones, bindings."""
        with redis.Redis.from_url(self.url, socket_timeout=3) as client:
            client.flushall()


class RabbitMQ(Broker):
    """RabbitMQ with a port mapper of its own, which would else outlive it."""

    name = "RabbitMQ"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._epmd_port = free_port()
        self._dist_port = free_port()
        # Debian's wrapper insists on a user; the script behind it does not.
        script = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
        self._server = script if script.exists() else Path(program("rabbitmq-server"))

    @property
    def url(self) -> str:
        """The default vhost."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def launch(self) -> None:
        """Start epmd in the foreground, then the server."""
        mapper = {"ERL_EPMD_PORT": str(self._epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self._run([program("epmd"), "-port", str(self._epmd_port)], env=mapper)
        self._run([self._server], env={**mapper, **self._settings()})

    def _settings(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "RABBITMQ_NODENAME": f"chaos{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.home / "data"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_PID_FILE": str(self.home / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.home / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def knock(self) -> None:
        """Open a connection."""
        with Connection(self.url, connect_timeout=3) as connection:
            connection.connect()

    def flush(self) -> None:
        """Purge the queue; what workers have taken stays theirs."""
        with Connection(self.url, connect_timeout=3) as connection:
            Queue(QUEUE)(connection.default_channel).purge()


BROKERS: Mapping[str, type[Broker]] = {"redis": Redis, "rabbitmq": RabbitMQ}
