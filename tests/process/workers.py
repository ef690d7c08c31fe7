"""Real worker processes on the test's own database and broker."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connections

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 40.0


def wait_until(check, what, patience=PATIENCE):
    """Poll until `check()` is true; fail naming `what`."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {patience:g} s in vain for {what}")


def database_url():
    """Return the URL of the database that this test process uses."""
    name = connections["default"].settings_dict["NAME"]
    url = os.environ.get("DATABASE_URL")
    if not url:
        return f"sqlite:///{name}"
    return re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", url, count=1) if url.count("/") == 3 else url


class Worker:
    """One `celery worker` in a process group of its own.

    `prefix` comes before the command, `env` on top of the environment; without `ready` the caller
    does not wait until it consumes.
    """

    def __init__(self, broker, log, *options, prefix=(), env=None, ready=True):
        self.log = Path(log)
        self._file = self.log.open("w")
        # Two of one name would be one to RabbitMQ.
        name = ("-n", f"{self.log.stem}@%h")
        command = [*prefix, sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker"]
        self.process = subprocess.Popen(
            [*command, "--without-mingle", "--without-gossip", "-l", "info", *name, *options],
            cwd=ROOT,
            env={
                **os.environ,
                "CELERY_BROKER_URL": broker,
                "DATABASE_URL": database_url(),
                "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
                **(env or {}),
            },
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if not ready:
            return
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self):
        wait_until(self._is_ready, "the worker to be ready")

    def _is_ready(self):
        assert self.process.poll() is None, f"the worker ended:\n{self.text()}"
        return " ready." in self.text()

    def text(self):
        return self.log.read_text()

    def kill(self):
        """SIGKILL the whole worker, children included, as a machine that loses power would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self):
        """SIGTERM the main process: a warm shutdown."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.kill()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._file.close()
