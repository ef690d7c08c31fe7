"""Threads that meet at known places, and faults at known places."""

import threading
import time
from contextlib import contextmanager
from uuid import uuid4

from django.db import OperationalError, connection, connections, transaction

from gorkflow import WorkflowBuilder
from gorkflow.config import EngineConfig
from gorkflow.definition.registry import Registry
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.models import StepExecution
from gorkflow.stores.base import Taker
from gorkflow.stores.orm import DjangoStore
from gorkflow.stores.orm.clock import DatabaseTime

PATIENCE = 20.0
MANY = 4


def is_postgresql():
    return connection.vendor == "postgresql"


def taker(*, queue=None, lease=60.0, worker="race", refuse=lambda _candidate: "", known=()):
    return Taker(
        token=uuid4(),
        worker=worker,
        lease=lease,
        queue=queue,
        refuse=refuse,
        known=frozenset(known),
    )


def engine_of(*workflows, store=None, **config):
    """An engine on the Django store that knows these workflows alone and keeps its messages."""
    registry = Registry()
    for workflow in workflows:
        registry.register(workflow)
    return Engine(
        store or DjangoStore(),
        InlineDispatcher(),
        registry=registry,
        config=EngineConfig(**config),
    )


def workflow_of(*steps, name="race", **options):
    return WorkflowBuilder(name, **options).sequence(*steps).build()


def messages_of(engine):
    """The messages sent since the last call."""
    found = list(engine.dispatcher.hints)
    engine.dispatcher.hints.clear()
    return found


def row(run_id, step_id):
    return StepExecution.objects.get(run_id=run_id, step_id=step_id)


def end_lease(run_id, step_id):
    """Let the lease of a running step be over."""
    held = StepExecution.objects.filter(run_id=run_id, step_id=step_id, status="RUNNING")
    assert held.update(due_at=DatabaseTime(-1.0)) == 1


def make_old(run_id, seconds=3600.0):
    """Let the waiting steps of a run have waited for so long."""
    StepExecution.objects.filter(run_id=run_id, due_at__isnull=False).update(
        due_at=DatabaseTime(-seconds)
    )


class Act(threading.Thread):
    """A function in a thread with a connection of its own."""

    def __init__(self, act, *arguments):
        super().__init__(daemon=True)
        self._act = act
        self._arguments = arguments
        self._result = self._error = None
        self.start()

    def run(self):
        try:
            self._result = self._act(*self._arguments)
        except BaseException as error:  # noqa: BLE001  told to whoever asks for the result
            self._error = error
        finally:
            connections.close_all()

    def result(self):
        """Return what the function returned, or raise what it raised."""
        self.join(PATIENCE)
        assert not self.is_alive(), "the thread hangs"
        if self._error is not None:
            raise self._error
        return self._result

    def outcome(self):
        """Return what the function returned or raised."""
        self.join(PATIENCE)
        assert not self.is_alive(), "the thread hangs"
        return self._error if self._error is not None else self._result


class Held:
    """Something done in a transaction that is still open in a thread of its own."""

    def __init__(self, act, *, commit=True):
        self._done, self._go_on = threading.Event(), threading.Event()
        self._commit = commit
        self._act = Act(self._run, act)
        assert self._done.wait(PATIENCE)

    def _run(self, act):
        with transaction.atomic():
            self.answer = act()
            self._done.set()
            assert self._go_on.wait(PATIENCE)
            transaction.set_rollback(not self._commit)
        return self.answer

    def end(self):
        self._go_on.set()
        return self._act.result()


def at_once(*acts):
    """Call the functions in threads that begin together; return what each returned or raised."""
    barrier = threading.Barrier(len(acts))

    def begin(act):
        connection.ensure_connection()
        barrier.wait(PATIENCE)
        return act()

    started = [Act(begin, act) for act in acts]
    return [each.outcome() for each in started]


class Gate:
    """A place where the first thread that comes by waits to be let through."""

    def __init__(self):
        self._reached = threading.Event()
        self._opened = threading.Event()
        self._first = threading.Lock()

    def pass_through(self):
        if self._first.acquire(blocking=False):
            self._reached.set()
            assert self._opened.wait(PATIENCE), "nobody opened the gate"

    def wait_until_reached(self):
        assert self._reached.wait(PATIENCE), "nobody came to the gate"

    def open(self):
        self._opened.set()


def gate_before(monkeypatch, owner, name, *, when=lambda *_args, **_kwargs: True):
    """Put a gate in front of a function."""
    gate, original = Gate(), getattr(owner, name)

    def gated(*args, **kwargs):
        if when(*args, **kwargs):
            gate.pass_through()
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, gated)
    return gate


def gate_after(monkeypatch, owner, name):
    """Put a gate behind a function."""
    gate, original = Gate(), getattr(owner, name)

    def gated(*args, **kwargs):
        result = original(*args, **kwargs)
        gate.pass_through()
        return result

    monkeypatch.setattr(owner, name, gated)
    return gate


def wait_until_blocked(act):
    """Return once the thread waits for a lock in the database, or has ended."""
    if not is_postgresql():
        # The file has one lock and does not say who waits for it: give the thread its chance.
        act.join(0.1)
        return
    deadline = time.monotonic() + PATIENCE
    while act.is_alive() and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT COUNT(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        act.join(0.01)


@contextmanager
def unsure_commit(monkeypatch, module, times=1):
    """The next write transactions of the module commit, and then their connection seems lost."""
    original = module.write_transaction
    failed = []

    @contextmanager
    def once(using):
        with original(using):
            yield
        if len(failed) < times and not connections[using].in_atomic_block:
            failed.append(True)
            raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_transaction", once)
        yield failed
    assert failed, "nothing was committed"
