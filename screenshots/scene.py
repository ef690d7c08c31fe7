"""The demo project at work: a worker, the web server, and a day of runs."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.db.models import F
from django.test import Client

from demo_project.home.showcase import processes
from demo_project.home.showcase.plan import Showing, start_showings
from demo_project.home.showcase.processes import HOST, Children
from gorkflow.models import RunEvent, StepAttempt, StepExecution, WorkflowRun

SLOW, FAILED, FLAKY, GIFT = 5, 4, 7, 2
"""Last digits of order numbers."""
HOURS = 24
PATIENCE = 300.0
TIMES: dict[type[Any], tuple[str, tuple[str, ...]]] = {
    WorkflowRun: ("pk", ("created_at", "started_at", "ended_at")),
    StepExecution: ("run", ("ready_at", "started_at", "ended_at")),
    StepAttempt: ("step__run", ("ready_at", "started_at", "ended_at")),
    RunEvent: ("run", ("at",)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the pages are, and the runs to show."""

    url: str
    session: str
    running: UUID
    failed: UUID
    flaky: UUID
    gift: UUID
    report: UUID


@contextmanager
def scene(directory: Path, rounds: int) -> Iterator[Site]:
    """Run everything, and stop it in the end.

    The workers have really run them all, but within two minutes: all but the last round are then
    moved back in time, so that the dashboard has a day to show.
    """
    call_command("migrate", verbosity=0, interactive=False)
    children = Children(directory / "log", cwd=settings.BASE_DIR)
    port = processes.choose_port(None)
    try:
        children.start("worker", processes.worker_command())
        web = children.start("web", processes.web_command(settings.BASE_DIR / "manage.py", port))
        processes.wait_for_web(web, port)
        _work_off(children, [each for _ in range(rounds - 1) for each in start_showings()])
        _move_back()
        last = start_showings()
        slow = _order(last, SLOW)
        slow.to_cancel = False
        _work_off(children, [each for each in last if each is not slow], started=slow)
        yield Site(
            url=f"http://{HOST}:{port}",
            session=_session(),
            running=slow.run.id,
            failed=_order(last, FAILED).run.id,
            flaky=_order(last, FLAKY).run.id,
            gift=_order(last, GIFT).run.id,
            report=last[0].run.id,
        )
    finally:
        children.stop()


def _work_off(
    children: Children, showings: Sequence[Showing], *, started: Showing | None = None
) -> None:
    """Wait until they have ended, and one more has started paying."""
    deadline = time.monotonic() + PATIENCE
    while not all(each.ended for each in showings) or (started and not started.doing()):
        for each in (*showings, *([started] if started else [])):
            each.look()
        children.check()
        if time.monotonic() > deadline:
            msg = "the worker takes too long"
            raise TimeoutError(msg)
        time.sleep(0.2)


def _order(showings: Sequence[Showing], digit: int) -> Showing:
    return next(each for each in showings if f"{digit}," in each.label)


def _move_back() -> None:
    chance = random.Random(7)
    for run_id in WorkflowRun.objects.values_list("pk", flat=True):
        back = timedelta(hours=chance.uniform(0.3, HOURS - 1))
        with transaction.atomic():
            for model, (to_run, columns) in TIMES.items():
                rows = model.objects.filter(**{to_run: run_id}).order_by()
                rows.update(**{column: F(column) - back for column in columns})


def _session() -> str:
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    return client.cookies["sessionid"].value
