"""`python manage.py demo`: the whole thing at work, with no server to install."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from demo_project.home.showcase import processes
from demo_project.home.showcase.login import ready_login
from demo_project.home.showcase.plan import Showing, start_showings
from demo_project.home.showcase.processes import HOST, Child, Children, ShowcaseError
from demo_project.home.showcase.screen import Screen, results
from demo_project.logs import log_to_file
from demo_project.weather.models import WeatherReport
from gorkflow import RunStatus

POLL = 0.2
BEGIN_WITHIN = 60.0
"""Seconds after which something is wrong if no run has begun."""
END_WITHIN = 180.0


class Command(BaseCommand):
    help = (
        "Migrates, starts a Celery worker and the web server, runs the demo workflows on real "
        "input, and stays up until Ctrl-C."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="stop when the runs have ended; 1 if one went wrong"
        )
        parser.add_argument(
            "--port", type=int, help="the web server's port (8000 or the next free one)"
        )

    def handle(self, *_args: Any, once: bool, port: int | None, **_options: Any) -> None:
        self.console = Console()
        log_dir: Path = settings.VAR_DIR / "log"
        log_to_file(log_dir / "demo.log")
        children = Children(log_dir, cwd=settings.BASE_DIR)
        try:
            with processes.interrupted_by_signals():
                try:
                    self._show(children, port, once=once)
                finally:
                    if children.all:
                        self._say("Stopping the worker and the web server.")
                    children.stop()
        except ShowcaseError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            # Ctrl-C is how a demo that stays up is meant to end; one that was asked to finish by
            # itself has been cut short.
            if once:
                raise CommandError("interrupted before the runs had ended") from None

    def _show(self, children: Children, port: int | None, *, once: bool) -> None:
        port = self._choose_port(port)
        call_command("migrate", verbosity=0, interactive=False)
        self._say("The database is migrated.")
        login = ready_login(settings.VAR_DIR / "demo-password") if settings.DEBUG else None
        worker, web = self._start(children, port)
        processes.wait_for_web(web, port)
        self._say(
            f"A Celery worker and the web server are starting; they log to {worker.log.parent}."
        )
        showings = start_showings()
        self._watch(children, worker, showings)
        if once:
            self._check_pages(port, showings)
            self._check_runs(showings)
        else:
            self._tell_where(port, login)
            self._stay_up(children)

    def _choose_port(self, wanted: int | None) -> int:
        port = processes.choose_port(wanted)
        if wanted is None and port != processes.FIRST_PORT:
            self._say(f"Port {processes.FIRST_PORT} is taken; {port} is used instead.")
        return port

    def _start(self, children: Children, port: int) -> tuple[Child, Child]:
        manage: Path = settings.BASE_DIR / "manage.py"
        return (
            children.start("worker", processes.worker_command()),
            children.start("web", processes.web_command(manage, port)),
        )

    def _watch(self, children: Children, worker: Child, showings: Sequence[Showing]) -> None:
        began = time.monotonic()
        with Screen(self.console) as screen:
            while True:
                for showing in showings:
                    showing.look()
                screen.show(showings)
                if all(showing.ended for showing in showings):
                    break
                children.check()
                _check_pace(showings, worker, time.monotonic() - began)
                time.sleep(POLL)
        self._say("")
        self.console.print(results(showings))

    def _tell_where(self, port: int, login: tuple[str, str | None] | None) -> None:
        site = f"http://{HOST}:{port}"
        self._say(f"\n  Pages   {site}/\n  Reports {site}/reports/\n  API     {site}/api/docs/")
        if login is None:
            told = "make a login with: python manage.py createsuperuser"
        else:
            name, password = login
            told = f"login {name}, password {password or '(the one you have set)'}"
        self._say(f"  Admin   {site}/admin/  {told}")

    def _check_pages(self, port: int, showings: Sequence[Showing]) -> None:
        run_ids = [showing.run.id for showing in showings]
        reports = WeatherReport.objects.filter(run_id__in=run_ids)
        paths = ["/", "/reports/", "/orders/", "/api/docs/", "/admin/login/"]
        paths += [report.get_absolute_url() for report in reports]
        answers = {path: processes.get_status(port, path) for path in paths}
        bad = [f"{path} answers {status}" for path, status in answers.items() if status != 200]  # noqa: PLR2004  HTTP's own number
        if bad:
            raise ShowcaseError("; ".join(bad))

    def _check_runs(self, showings: Sequence[Showing]) -> None:
        wrong = [showing.label for showing in showings if showing.problem()]
        if wrong:
            raise ShowcaseError(f"did not end as expected: {'; '.join(wrong)}")
        self._say("\nEvery run ended as expected.")

    def _stay_up(self, children: Children) -> None:
        self._say("\nPress Ctrl-C to stop everything.")
        while True:
            children.check()
            time.sleep(POLL)

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _check_pace(showings: Sequence[Showing], worker: Child, passed: float) -> None:
    begun = any(showing.run.status is not RunStatus.PENDING for showing in showings)
    if not begun and passed > BEGIN_WITHIN:
        raise ShowcaseError(f"no run has begun after {BEGIN_WITHIN:.0f} s.\n{worker.tail()}")
    if passed > END_WITHIN:
        late = ", ".join(showing.label for showing in showings if not showing.ended)
        raise ShowcaseError(f"still not ended after {END_WITHIN:.0f} s: {late}.\n{worker.tail()}")
