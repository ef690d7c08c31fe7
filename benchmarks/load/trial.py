"""The tables, somebody who is logged in, and one kind of request after the other."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import django
from django.conf import settings

from benchmarks.history import load_history
from benchmarks.load.client import Ask, Kind, Server, press
from benchmarks.load.web import free_port, gunicorn

CSRF = "x" * 32
WARM_UP_SECONDS = 1.0


def prepare(runs: int) -> Server:
    """Make the tables, fill them, log somebody in."""
    django.setup()
    from django.contrib.auth import get_user_model  # noqa: PLC0415  once Django is set up
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from benchmarks.hosts.django_app.workflows import chain  # noqa: PLC0415
    from gorkflow.models import DefinitionSnapshot  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    load_history(runs)
    graph = json.loads(chain.graph.to_json())
    DefinitionSnapshot.objects.filter(fingerprint="history").update(graph=graph)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("load"))
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    connection.close()
    return Server(
        port=free_port(),
        headers={
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={CSRF}",
            "X-CSRFToken": CSRF,
            "Content-Type": "application/json",
        },
    )


def kinds(runs: int) -> Sequence[Kind]:
    """Return what is asked."""
    body = json.dumps({"input": 0, "resource_id": "order-1", "tags": {"tenant": "acme"}})

    def any_run() -> str:
        number = random.randint(1, runs)
        return str(UUID(hashlib.md5(f"run{number}".encode(), usedforsecurity=False).hexdigest()))

    def get(path: Callable[[], str]) -> Callable[[], Ask]:
        return lambda: Ask(path=path())

    by_resource = "/api/runs/?resource_id=order-"
    return (
        Kind(
            name="start",
            title="start a run of ten steps",
            status=202,
            make=lambda: Ask(method="POST", path="/api/workflows/chain/runs/", body=body),
        ),
        Kind(
            name="get",
            title="get a run with its ten steps",
            status=200,
            make=get(lambda: f"/api/runs/{any_run()}/"),
        ),
        Kind(
            name="status",
            title="get its status and progress alone",
            status=200,
            make=get(lambda: f"/api/runs/{any_run()}/?fields=status,progress"),
        ),
        Kind(
            name="list",
            title="list the newest 50",
            status=200,
            make=get(lambda: "/api/runs/"),
        ),
        Kind(
            name="filtered",
            title="list 50 of a workflow by status",
            status=200,
            make=get(lambda: "/api/runs/?workflow=chain&status=COMPLETED"),
        ),
        Kind(
            name="found",
            title="find a run by its resource id",
            status=200,
            make=get(lambda: f"{by_resource}{random.randint(2, runs)}"),
        ),
    )


def conduct(  # noqa: PLR0913
    server: Server,
    runs: int,
    *,
    seconds: float,
    clients: int,
    workers: int,
    threads: int,
    log: Path,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Press each kind in turn; return the figures and what went wrong."""
    figures: dict[str, dict[str, float]] = {}
    wrong: list[str] = []
    with gunicorn(server.port, workers, threads, log) as cpu_seconds:
        for kind in kinds(runs):
            warm = press(server, kind, clients=clients, seconds=min(seconds, WARM_UP_SECONDS))
            before = cpu_seconds()
            tally = press(server, kind, clients=clients, seconds=seconds)
            used = cpu_seconds() - before
            wrong += [*warm.wrong, *tally.wrong]
            if tally.wrong or not tally.latencies_ms:
                continue
            figures[kind.name] = tally.figures()
            figures[kind.name]["cpu_ms"] = used * 1000 / len(tally.latencies_ms)
            say(f"{kind.name}: {figures[kind.name]['per_s']:.0f} requests/s")
    return {"runs": runs, "figures": figures, "wrong": wrong}


def table(found: dict[str, Any]) -> str:
    """Return the figures as a table of the document's form."""
    titles = {kind.name: kind.title for kind in kinds(found["runs"])}
    lines = [
        "| Request | requests/s | p50 ms | p95 ms | CPU ms of gunicorn |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, each in found["figures"].items():
        times = " | ".join(f"{each[measure]:.1f}" for measure in ("p50_ms", "p95_ms", "cpu_ms"))
        lines.append(f"| {titles[name]} | {each['per_s']:.0f} | {times} |")
    return "\n".join(lines)
