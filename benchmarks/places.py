"""Where systems run: databases, Redis databases and vhosts of their own, made and removed here."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis
from kombu import Connection
from psycopg import sql

from benchmarks.catalogue import Need, System

ROOT = Path(__file__).resolve().parent.parent
MARK = "gorkflow-benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """Servers to use; the standard local ports unless told otherwise."""

    postgres: str = "postgres://postgres@127.0.0.1:5432/postgres"
    redis: str = "redis://127.0.0.1:6379"
    rabbitmq: str = "amqp://guest:guest@127.0.0.1:5672//"


class Places:
    """Finds servers, makes scratch places on them, and removes those on `close`.

    Args:
        urls: the servers; each is looked for once.

    """

    def __init__(self, urls: Urls) -> None:
        self._urls = urls
        self._undo = ExitStack()
        self._count = 0
        var = ROOT / "var" / "benchmarks"
        var.mkdir(parents=True, exist_ok=True)
        self.logs = var / "logs"
        self.logs.mkdir(exist_ok=True)
        # Not the system's own: that may lie in memory, where a commit costs nothing.
        self.directory = Path(self._undo.enter_context(tempfile.TemporaryDirectory(dir=var)))
        looks: dict[Need, Callable[[], None]] = {
            Need.POSTGRES: lambda: _connect(urls.postgres),
            Need.REDIS: lambda: _ping(urls.redis),
            Need.RABBITMQ: lambda: _open(urls.rabbitmq),
            Need.DBOS: _find_dbos,
            Need.DBOS_SQLITE: _check_sqlite,
        }
        self._missing = {need: _reason(look) for need, look in looks.items()}
        self._missing[Need.RESULTS] = self._missing[Need.REDIS]

    def missing(self, system: System) -> str | None:
        """Return why a system cannot run here; None if it can."""
        for need in system.needs:
            reason = self._missing.get(need)
            if reason is not None:
                return f"{need.value} is not there: {reason}"
        return None

    def make(self, system: System) -> dict[str, str]:
        """Make what a system needs; return it as environment variables of its driver."""
        self._count += 1
        name = f"gorkflow_bench_{os.getpid()}_{self._count}"
        found = {"GORKFLOW_BENCH_QUEUE": name}
        for need in system.needs:
            match need:
                case Need.POSTGRES:
                    found["DATABASE_URL"] = self._make_database(name)
                case Need.SQLITE:
                    found["DATABASE_URL"] = f"sqlite:///{self.directory / name}.sqlite3"
                case Need.BROKER_FILE:
                    found["CELERY_BROKER_URL"] = f"sqlitefile://{self.directory / name}.broker"
                case Need.REDIS:
                    found["CELERY_BROKER_URL"] = self._take_redis()
                case Need.RESULTS:
                    found["GORKFLOW_BENCH_RESULTS"] = self._take_redis()
                case Need.RABBITMQ:
                    found["CELERY_BROKER_URL"] = self._make_vhost(name)
                case Need.DBOS | Need.DBOS_SQLITE:
                    pass
        found.setdefault("CELERY_BROKER_URL", "memory://")
        return found

    def close(self) -> None:
        """Remove everything that was made."""
        self._undo.close()

    def _make_database(self, name: str) -> str:
        self._on_postgres("CREATE DATABASE {}", name)
        self._undo.callback(self._on_postgres, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        parts = urlsplit(self._urls.postgres)
        return urlunsplit(parts._replace(path=f"/{name}"))

    def _on_postgres(self, statement: str, name: str) -> None:
        with closing(psycopg.connect(_libpq(self._urls.postgres), autocommit=True)) as server:
            server.execute(sql.SQL(statement).format(sql.Identifier(name)))

    def _take_redis(self) -> str:
        """Reserve an empty database of the server by leaving a key in it."""
        for number in range(15, 0, -1):
            url = f"{self._urls.redis.rstrip('/')}/{number}"
            with redis.Redis.from_url(url) as database:
                if not database.dbsize() and database.setnx(MARK, os.getpid()):
                    self._undo.callback(_flush, url)
                    return url
        raise RuntimeError("none of the Redis databases 1 to 15 is empty")

    def _make_vhost(self, name: str) -> str:
        """Make a vhost; where rabbitmqctl cannot, the URL's own is used, with queues of our own."""
        parts = urlsplit(self._urls.rabbitmq)
        if not _rabbitmqctl("add_vhost", name):
            return self._urls.rabbitmq
        self._undo.callback(_rabbitmqctl, "delete_vhost", name)
        _rabbitmqctl("set_permissions", "-p", name, parts.username or "guest", ".*", ".*", ".*")
        made = urlunsplit(parts._replace(path=f"/{name}"))
        # rabbitmqctl may talk to another server than the URL does.
        return made if _reason(lambda: _open(made)) is None else self._urls.rabbitmq


def _libpq(url: str) -> str:
    return url.replace("postgres://", "postgresql://", 1)


def _connect(url: str) -> None:
    psycopg.connect(_libpq(url), connect_timeout=3).close()


def _ping(url: str) -> None:
    with redis.Redis.from_url(url, socket_timeout=3) as server:
        server.ping()


def _flush(url: str) -> None:
    with redis.Redis.from_url(url) as database:
        database.flushdb()


def _open(url: str) -> None:
    with Connection(url, connect_timeout=3) as broker:
        broker.connect()


def _find_dbos() -> None:
    if find_spec("dbos") is None:
        raise ImportError("it is in the dependency group bench")


def _check_sqlite() -> None:
    # From Python 3.12 on, dbos writes times by a function that older ones do not have.
    if sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
        raise ImportError(f"SQLite {sqlite3.sqlite_version} is older than 3.42")


def _reason(look: Callable[[], None]) -> str | None:
    try:
        look()
    except Exception as error:  # noqa: BLE001  every client has its own
        return f"{type(error).__name__}: {error}".strip().splitlines()[0]
    return None


def _rabbitmqctl(*arguments: str) -> bool:
    command = shutil.which("rabbitmqctl")
    if command is None:
        return False
    done = subprocess.run(
        [command, "--quiet", *arguments], capture_output=True, check=False, timeout=60
    )
    return done.returncode == 0
