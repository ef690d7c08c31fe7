"""Forks and threads: a child never touches its parent's connection."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from contextlib import contextmanager, suppress

import pytest
from django.db import connections, transaction

from tests.libsql.models import Item
from tests.libsql.servers import ROOT

PATIENCE = 20


def items():
    return Item.objects.using("libsql")


def names():
    return sorted(items().values_list("name", flat=True))


def in_child(act):
    """Run it in a forked process and return its exit code; 0 is well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads: the point here
        pid = os.fork()
    if pid:
        with alarm(pid):
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    code = 1
    try:
        act()
        code = 0
    finally:
        os._exit(code)


@contextmanager
def alarm(pid):
    """Kill a child that hangs."""
    timer = threading.Timer(PATIENCE, os.kill, (pid, signal.SIGKILL))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def test_a_forked_child_opens_a_connection_of_its_own(libsql):
    items().create(name="parent")
    raw = libsql.connection

    def act():
        assert names() == ["parent"]
        assert connections["libsql"].connection is not raw
        items().create(name="child")
        connections["libsql"].close()

    assert in_child(act) == 0
    assert libsql.connection is raw
    assert names() == ["child", "parent"]


def test_a_forked_child_that_closes_all_connections_leaves_its_parents_open(libsql):
    """As Celery does in the children of its prefork pool."""
    items().create(name="parent")
    raw = libsql.connection

    def act():
        connections.close_all()
        connections["libsql"].close_if_unusable_or_obsolete()
        assert names() == ["parent"]

    assert in_child(act) == 0
    assert libsql.is_usable()
    assert libsql.connection is raw


def test_a_fork_inside_a_transaction_leaves_it_to_the_parent(libsql, elsewhere):
    with transaction.atomic(using="libsql"):
        items().create(name="parent")

        def act():
            with pytest.raises(Exception, match="another process has opened it"):
                items().create(name="child")

        assert in_child(act) == 0
        items().create(name="after")

    assert elsewhere(names) == ["after", "parent"]


def test_a_process_that_ends_without_closing_ends_silently(shared_server):
    code = f"""
import os, django
from django.conf import settings
settings.configure(DATABASES={{"default": {{
    "ENGINE": "gorkflow.db.libsql", "NAME": {shared_server.url!r}}}}})
django.setup()
from django.db import connection
connection.cursor().execute("SELECT 1")
if os.fork() == 0:
    connection.cursor().execute("SELECT 1")
else:
    os.wait()
"""
    ignored = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]

    done = subprocess.run(
        [sys.executable, *ignored, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_killed_client_loses_its_transaction_and_the_lock_with_it(libsql):
    ready, tell = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        with suppress(BaseException), transaction.atomic(using="libsql"):
            items().create(name="child")
            os.write(tell, b"x")
            signal.pause()
        os._exit(1)
    os.read(ready, 1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    began = time.monotonic()
    items().create(name="next")

    assert time.monotonic() - began < 0.8 * libsql.transaction_seconds
    assert names() == ["next"]
