"""Clients that ask one thing after the other, each on a connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection

from benchmarks.figures import percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request."""

    path: str
    method: str = "GET"
    body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Requests of one kind."""

    name: str
    title: str
    status: int
    make: Callable[[], Ask]


@dataclass(slots=True)
class Tally:
    """What the clients have seen."""

    latencies_ms: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def figures(self) -> dict[str, float]:
        """Return requests a second and how long they took."""
        return {
            "requests": len(self.latencies_ms),
            "per_s": len(self.latencies_ms) / self.seconds,
            "p50_ms": percentile(self.latencies_ms, 0.50),
            "p95_ms": percentile(self.latencies_ms, 0.95),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where they ask."""

    port: int
    headers: Mapping[str, str]


def press(server: Server, kind: Kind, *, clients: int, seconds: float) -> Tally:
    """Let so many clients ask for so long, without a pause."""
    tally = Tally()
    until = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=_ask_until, args=(server, kind, tally, until))
        for _ in range(clients)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.seconds = time.perf_counter() - began
    return tally


def _ask_until(server: Server, kind: Kind, tally: Tally, until: float) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        while time.perf_counter() < until and not tally.wrong:
            ask = kind.make()
            began = time.perf_counter()
            connection.request(ask.method, ask.path, ask.body, dict(server.headers))
            answer = connection.getresponse()
            text = answer.read()
            tally.latencies_ms.append((time.perf_counter() - began) * 1000)
            if answer.status != kind.status:
                tally.wrong.append(f"{ask.method} {ask.path}: {answer.status} {text[:200]!r}")
    except OSError as error:
        tally.wrong.append(f"{kind.name}: {type(error).__name__}: {error}")
    finally:
        connection.close()
