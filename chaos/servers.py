"""PostgreSQL, Redis and RabbitMQ of our own: on 127.0.0.1, on free ports, stopped by their pid."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psycopg
import redis
from kombu import Connection, Queue

START_SECONDS = 90.0
STOP_SECONDS = 30.0
QUEUE = "celery"
PORTS = range(20_000, 32_000)
"""Below the ports that systems give to outgoing connections: while a server is down nobody else
gets its port, and a client that knocks there does not end up connected to itself."""


class MissingServerError(Exception):
    """A server is not installed here, or did not start; says which and why."""


class Server(ABC):
    """One server process group.

    Args:
        home: a directory of its own, which need not exist.

    """

    name: str
    crash_signal = signal.SIGKILL
    """What ends it without a chance to tidy up."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self._processes: list[subprocess.Popen[bytes]] = []
        home.mkdir(parents=True, exist_ok=True)

    @property
    @abstractmethod
    def url(self) -> str:
        """What clients connect to."""

    @abstractmethod
    def launch(self) -> None:
        """Start the processes."""

    @abstractmethod
    def knock(self) -> None:
        """Raise whatever the client raises if the server does not answer."""

    def start(self) -> None:
        """Start it and wait until it answers. Raises MissingServerError."""
        self.launch()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.knock()
            except Exception as error:
                if self._has_ended() or time.monotonic() > deadline:
                    raise MissingServerError(
                        f"{self.name} does not answer: {error}\n{self._end_of_log()}"
                    ) from error
            else:
                return
            time.sleep(0.1)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, gently or not; a second call does nothing."""
        while self._processes:
            end_group(self._processes[-1], sign)
            self._processes.pop()

    def restart(self, *, crash: bool) -> float:
        """Stop it, start it again, and return for how many seconds nobody could reach it."""
        began = time.monotonic()
        self.stop(self.crash_signal if crash else signal.SIGTERM)
        self.start()
        return time.monotonic() - began

    def _run(
        self, command: Sequence[str | Path], user: str = "", env: Mapping[str, str] | None = None
    ) -> None:
        with self.log.open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command,
                    cwd=self.home,
                    env={**os.environ, **(env or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C is ours: servers end after those who use them.
                    start_new_session=True,
                    # Some servers refuse to be root.
                    user=user if user and os.geteuid() == 0 else None,
                )
            )

    @property
    def log(self) -> Path:
        """What it prints goes there."""
        return self.home.with_suffix(".log")

    def _has_ended(self) -> bool:
        return any(process.poll() is not None for process in self._processes)

    def _end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


class Postgres(Server):
    """PostgreSQL with one database, `chaos`; a crash is an immediate shutdown."""

    name = "PostgreSQL"
    crash_signal = signal.SIGQUIT

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._bin = _postgres_programs()
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(home, account.pw_uid, account.pw_gid)

    @property
    def url(self) -> str:
        """What DATABASE_URL is set to."""
        return f"postgres://postgres@127.0.0.1:{self.port}/chaos"

    def create(self) -> None:
        """Make the cluster, start it and make the database."""
        made = subprocess.run(
            [self._bin / "initdb", "--pgdata", "data", "--username=postgres", "--auth=trust"],
            cwd=self.home,
            user="postgres" if os.geteuid() == 0 else None,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise MissingServerError(f"initdb failed: {made.stderr}")
        self.start()
        with self._connect() as server:
            server.execute("CREATE DATABASE chaos")

    def launch(self) -> None:
        """Start the postmaster."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
        settings = [part for option in options for part in ("-c", option)]
        self._run([self._bin / "postgres", "-D", "data", *settings], user="postgres")

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; SIGTERM would wait for clients that never leave, so it is a fast shutdown."""
        super().stop(signal.SIGINT if sign is signal.SIGTERM else sign)

    def knock(self) -> None:
        """Connect."""
        self._connect().close()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            dbname="postgres",
            autocommit=True,
            connect_timeout=3,
        )


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
        server = _program("redis-server")
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
        self._server = script if script.exists() else Path(_program("rabbitmq-server"))

    @property
    def url(self) -> str:
        """The default vhost."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def launch(self) -> None:
        """Start epmd in the foreground, then the server."""
        mapper = {"ERL_EPMD_PORT": str(self._epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1"}
        self._run([_program("epmd"), "-port", str(self._epmd_port)], env=mapper)
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


def free_port() -> int:
    """Return a port that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def end_group(process: subprocess.Popen[bytes], sign: signal.Signals = signal.SIGTERM) -> None:
    """End a process that leads a group: ask its leader, wait, then kill whoever is left."""
    if process.poll() is None:
        process.send_signal(sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the whole group, as a machine that loses power would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingServerError(f"{name} is not installed here")
    return found


def _postgres_programs() -> Path:
    # Debian keeps the versions apart, and what is in PATH may be a link or a wrapper.
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    places += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise MissingServerError("PostgreSQL (initdb, postgres) is not installed here")
