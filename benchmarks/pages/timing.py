"""Asks for pages as a browser would, and writes down what they cost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from gorkflow.models import WorkflowRun

ROUNDS = 5
RUNS = "/admin/gorkflow/workflowrun/"
WORKFLOWS = "/admin/gorkflow/registeredworkflow/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a page cost."""

    name: str
    first: float
    """Milliseconds at the first time."""
    usual: float
    """The median of the times after that."""
    queries: int
    in_database: float
    """Milliseconds of them."""
    slowest: str
    """The SQL of the slowest query."""


def pages() -> Iterator[tuple[str, str]]:
    """Name the pages, with their addresses."""
    run = WorkflowRun.objects.filter(status="COMPLETED").order_by("created_at")[1000]
    yield "dashboard", "/admin/gorkflow/"
    yield "run list", RUNS
    yield "run list, last page", f"{RUNS}?p={min(WorkflowRun.objects.count(), 10_000) // 50}"
    for name, query in {
        "failed": "status=FAILED",
        "unfinished (there is one)": "status=unfinished",
        "one workflow": "workflow=chain",
        "one workflow, failed": "workflow=chain&status=FAILED",
        "unknown workflow": "workflow=none",
        "past 24 hours": "created=24h",
        "past 30 days": "created=30d",
        "version": "workflow=chain&version=1",
        "rare version": "workflow=chain&version=0",
        "started by ann": "started_by=ann",
        "started by bob (rare)": "started_by=bob",
        "started by nobody": "started_by=nobody",
        "tag": "tag=tenant:acme",
        "rare tag": "tag=tenant:rare",
        "unknown tag": "tag=tenant:none",
        "retries, past 24 hours": "retries=24h",
        "retries, past 7 days": "retries=7d",
        "rare tag and retries": "tag=tenant:rare&retries=7d",
        "search: id prefix": f"q={str(run.pk)[:8]}",
        "search: resource id": f"q={run.resource_id}",
        "search: tag": "q=tenant:rare",
        "search: nothing found": "q=no+such+thing",
    }.items():
        yield f"run list, {name}", f"{RUNS}?{query}"
    yield "run page", f"{RUNS}{run.pk}/change/"
    yield "run page, live part", f"{RUNS}{run.pk}/live/"
    yield "step page", f"{RUNS}{run.pk}/steps/3/"
    yield "workflows", WORKFLOWS
    yield "workflow", f"{WORKFLOWS}chain/change/"
    yield "start form", f"{WORKFLOWS}chain/start/"


def logged_in() -> Client:
    """Return a client that may do everything."""
    user, _created = get_user_model().objects.get_or_create(
        username="pages", defaults={"is_staff": True, "is_superuser": True}
    )
    client = Client()
    client.force_login(user)
    return client


def cost_of(client: Client, name: str, url: str) -> Cost:
    """Ask for a page a few times. Raises AssertionError if it does not answer."""
    times = []
    for _round in range(1 + ROUNDS):
        began = time.perf_counter()
        status = client.get(url).status_code
        times.append((time.perf_counter() - began) * 1000)
        assert status == 200, f"{url} answers {status}"  # noqa: PLR2004  HTTP's own number
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    queries = sorted(captured.captured_queries, key=lambda each: float(each["time"]))
    return Cost(
        name=name,
        first=times[0],
        usual=statistics.median(times[1:]),
        queries=len(queries),
        in_database=sum(float(each["time"]) for each in queries) * 1000,
        slowest=queries[-1]["sql"] if queries else "",
    )


def explained(sql: str) -> str:
    """Return PostgreSQL's plan of a query."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())
