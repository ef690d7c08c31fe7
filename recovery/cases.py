"""What is killed, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.brokers import RabbitMQ, Redis
from servers.postgresql import Postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One way for a step to lose its process."""

    title: str
    pool: str
    """Celery's name of it."""
    only_child: bool = False
    """Kill the pool's process that has the step, and nothing else of its worker."""


CASES: Mapping[str, Case] = {
    "prefork": Case(title="prefork, the whole worker", pool="prefork"),
    "child": Case(title="prefork, the child alone", pool="prefork", only_child=True),
    "solo": Case(title="solo", pool="solo"),
    "threads": Case(title="threads", pool="threads"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database and a broker.

    `open` makes them in a directory and returns their URLs, removing them at the end of its block;
    it raises MissingServerError where a server is not installed.
    """

    title: str
    open: Callable[[Path], Iterator[dict[str, str]]]


def _files(directory: Path) -> Iterator[dict[str, str]]:
    yield {
        "DATABASE_URL": f"sqlite:///{directory / 'database.sqlite3'}",
        "CELERY_BROKER_URL": f"sqlitefile://{directory / 'broker.sqlite3'}",
    }


def _servers(kind: type[Redis | RabbitMQ]) -> Callable[[Path], Iterator[dict[str, str]]]:
    def start(directory: Path) -> Iterator[dict[str, str]]:
        with ExitStack() as ends:
            database = Postgres(directory / "postgres")
            ends.callback(database.stop)
            database.create()
            broker = kind(directory / "broker")
            ends.callback(broker.stop)
            broker.start()
            yield {"DATABASE_URL": database.url, "CELERY_BROKER_URL": broker.url}

    return start


PLACES: Mapping[str, Place] = {
    "embedded": Place(title="SQLite, the embedded broker", open=_files),
    "redis": Place(title="PostgreSQL, Redis", open=_servers(Redis)),
    "rabbitmq": Place(title="PostgreSQL, RabbitMQ", open=_servers(RabbitMQ)),
}


@contextmanager
def opened(place: Place, directory: Path) -> Iterator[dict[str, str]]:
    """Open a place for the time of a `with` block."""
    yield from place.open(directory)
