"""Forking a process whose other threads use the store."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
import warnings

import pytest

from gorkflow import forks
from gorkflow.config import EngineConfig
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.engine.recovery import Sweeper
from gorkflow.stores.memory import MemoryStore


def write(path):
    connection = sqlite3.connect(path, timeout=1, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


class SlowStore(MemoryStore):
    """One whose sweep is in the middle of a write for a while."""

    def __init__(self, path):
        super().__init__()
        self.in_the_middle = threading.Event()
        self._path = path

    def sweep(self, **wanted):
        connection = write(self._path)
        self.in_the_middle.set()
        time.sleep(0.5)
        connection.rollback()
        connection.close()
        return super().sweep(**wanted)


def fork(act):
    """Return the exit code of a child: 0 if `act` returned."""
    with warnings.catch_warnings():
        # From Python 3.12 on, for every process with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return path


def test_a_child_that_is_forked_during_a_sweep_can_write(path):
    store = SlowStore(path)
    sweeper = Sweeper(Engine(store, InlineDispatcher(), config=EngineConfig(sweep_interval=60)))
    sweeper.start()
    assert store.in_the_middle.wait(10)

    code = fork(lambda: write(path))
    sweeper.stop()

    assert code == 0


def test_a_thread_that_does_not_come_to_an_end_keeps_nobody_from_forking(monkeypatch):
    guard = forks.ForkGuard()
    monkeypatch.setattr(forks, "PATIENCE", 0.1)
    entered, left = threading.Event(), threading.Event()

    def stay():
        with guard:
            entered.set()
            left.wait(10)

    thread = threading.Thread(target=stay)
    thread.start()
    assert entered.wait(10)

    def enter():
        with guard:
            pass

    assert fork(enter) == 0
    left.set()
    thread.join()


def test_a_thread_may_fork_while_it_uses_the_store_itself(monkeypatch):
    guard = forks.ForkGuard()
    monkeypatch.setattr(forks, "PATIENCE", 60)
    began = time.monotonic()

    with guard:
        assert fork(lambda: None) == 0

    assert time.monotonic() - began < 30


def test_a_lock_that_is_brought_late_is_taken_when_the_threads_inside_are_done(monkeypatch):
    guard, lock = forks.ForkGuard(), threading.Lock()
    monkeypatch.setattr(forks, "PATIENCE", 60)
    entered, forking, done = threading.Event(), threading.Event(), threading.Event()

    def use():
        with guard:
            entered.set()
            assert forking.wait(10)
            with lock:
                done.set()

    thread = threading.Thread(target=use)
    thread.start()
    assert entered.wait(10)
    guard.bring(lock.acquire, lock.release, lock.release)
    os.register_at_fork(before=forking.set)

    assert fork(lambda: None if done.is_set() and lock.acquire(timeout=1) else 1 / 0) == 0
    assert not lock.locked()
    thread.join()


def test_the_brokers_lock_is_brought_along_whoever_publishes_first():
    """In a fresh process it is loaded by the first message, when threads are inside already."""
    script = """
from gorkflow.forks import NO_FORK
with NO_FORK:
    from gorkflow.dispatch import sqlite_file
assert [each.before for each in NO_FORK._brought] == [sqlite_file._before_fork]
"""
    subprocess.run([sys.executable, "-c", script], check=True)
