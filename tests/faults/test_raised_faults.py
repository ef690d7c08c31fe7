"""An error at every arrow, in this process: nothing half-written stays, and the run completes."""

from contextlib import contextmanager, suppress
from itertools import product

import pytest
from django.db import OperationalError, connection
from structlog.testing import capture_logs

from gorkflow import RunStatus, StepContext, StepStatus, step
from gorkflow.config import EngineConfig
from gorkflow.definition.registry import Registry
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.faults import FaultPoint, inject, raising
from gorkflow.invariants import Verifier
from gorkflow.models import StepExecution
from gorkflow.stores.memory import MemoryStore
from gorkflow.stores.orm import DjangoStore
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.hot import hot_path
from gorkflow.testing import VirtualClock
from tests.faults.shapes import OUTPUT, TARGET, build
from tests.races.kit import taker
from tests.shop.models import Entry

POINTS = [
    point for point in FaultPoint if point not in (FaultPoint.BEFORE_PUBLISH, FaultPoint.BEFORE_ACK)
]
OF_THE_RUN = (FaultPoint.BEFORE_CLAIM, FaultPoint.IN_HEARTBEAT, FaultPoint.IN_SWEEP)

IN_AN_EXPIRY = (FaultPoint.IN_SWEEP, FaultPoint.IN_FINISH, FaultPoint.AFTER_COMMIT)


class ToldToEndError(SystemExit):
    """As Celery's solo pool is told."""


ERRORS = [RuntimeError("a bug"), OperationalError("away"), ToldToEndError()]


class Memory:
    """A memory store, and effects that are rolled back with an atomic step."""

    def __init__(self):
        self._clock = VirtualClock()
        self.store = MemoryStore(self._clock.now, self._transaction)
        self.clock = self._clock
        self._effects = []

    @contextmanager
    def _transaction(self):
        before = list(self._effects)
        try:
            yield
        except BaseException:
            self._effects[:] = before
            raise

    def effect(self, name):
        self._effects.append(name)

    def effects(self):
        return sorted(self._effects)

    def pass_time(self):
        self._clock.advance(60)

    def findings(self, engine):
        return []


class Database:
    """The Django store; effects are rows."""

    clock = None

    def __init__(self, *, portable):
        self.store = DjangoStore(portable=portable)

    def effect(self, name):
        Entry.objects.create(name=name)

    def effects(self):
        return sorted(Entry.objects.values_list("name", flat=True))

    def pass_time(self):
        StepExecution.objects.filter(due_at__isnull=False).update(due_at=DatabaseTime(-60))

    def findings(self, engine):
        verifier = Verifier("default", registry=engine.registry, config=engine.config)
        return verifier.verify().findings


def of_kind(kind):
    if kind == "memory":
        return Memory()
    if kind == "fast" and hot_path(connection) is None:
        pytest.skip("this database has no fast path")
    return Database(portable=kind == "portable")


DATABASE = pytest.mark.django_db(transaction=True)
KINDS = ["memory", pytest.param("portable", marks=DATABASE), pytest.param("fast", marks=DATABASE)]


@pytest.fixture(params=KINDS)
def place(request):
    # A traceback is written for each error; nobody reads it here.
    with capture_logs():
        yield of_kind(request.param)


@pytest.fixture
def lab(place):
    """Return an engine that knows the shapes, whose atomic steps leave effects at the place."""

    @step(retry_delay=0)
    def plain(ctx: StepContext, text: str) -> str:
        ctx.progress(0.5)
        engine.heartbeat.beat_once()
        return f"{ctx.step_id}({text})"

    @step(retry_delay=0)
    def join(ctx: StepContext, texts: tuple[str, str, str]) -> str:
        return plain(ctx, "+".join(texts))

    @step(retry_delay=0, atomic=True)
    def atomic(ctx: StepContext, text: str) -> str:
        place.effect(f"{ctx.run_id} {ctx.step_id}")
        return plain(ctx, text)

    engine = Engine(
        place.store,
        InlineDispatcher(),
        registry=Registry(),
        config=EngineConfig(lease=30, heartbeat=10, max_crashes=2),
        clock=place.clock,
    )
    # The handlers beat by themselves: on a slow machine the thread would come to the fault first.
    engine.heartbeat.nudge = lambda: None
    for workflow in build(plain, join, atomic).values():
        engine.registry.register(workflow)
    return engine


def work_as_workers_would(place, engine, run):
    """Work and sweep until the run has ended, whatever is raised; each call is a new message."""
    for _ in range(20):
        for act in (lambda: engine.work(run.id), engine.sweep):
            with suppress(RuntimeError, OperationalError, ToldToEndError):
                act()
            assert place.findings(engine) == []
        if run.refresh().status.is_terminal:
            return
        place.pass_time()


def check(place, lab, run, shape):
    """Everything is there once."""
    assert run.refresh().status is RunStatus.COMPLETED
    assert run.output == OUTPUT[shape]
    expected = [f"{run.id} {step_id}" for step_id in ("b", "c") if shape == "atomic"]
    assert [each for each in place.effects() if each.startswith(str(run.id))] == expected
    for each in run.steps(attempts=True):
        assert each.status is StepStatus.COMPLETED
        assert [attempt.number for attempt in each.attempts] == [*range(1, each.attempt + 1)]
    assert lab.heartbeat._beats == set()


@pytest.mark.parametrize("point", POINTS)
def test_an_error_at_an_arrow_leaves_nothing_half_done(place, lab, point):
    for error, (shape, step_id) in product(ERRORS, TARGET.items()):
        run = lab.start(shape, "x")
        target = {} if point in OF_THE_RUN else {"step_id": step_id}

        with inject(point, raising(error), run_id=run.id, **target) as fault:
            if point is FaultPoint.IN_SWEEP:
                place.pass_time()  # nobody got the message
                with pytest.raises(type(error)):
                    lab.sweep()
            work_as_workers_would(place, lab, run)

        assert fault.fired == 1
        check(place, lab, run, shape)


@pytest.mark.parametrize("point", IN_AN_EXPIRY)
def test_an_error_while_a_sweep_takes_a_step_from_a_lost_worker_costs_one_attempt(
    place, lab, point
):
    for error, shape in product(ERRORS, TARGET):
        run = lab.start(shape, "x")
        lost = lab.store.claim(run.id, taker())
        place.pass_time()

        with inject(point, raising(error), run_id=run.id) as fault:
            with suppress(type(error)):
                lab.sweep()
            work_as_workers_would(place, lab, run)

        assert fault.fired == 1
        check(place, lab, run, shape)
        attempts = {each.step_id: each.attempt for each in run.steps()}
        assert attempts.pop(lost.step_id) == 2
        assert set(attempts.values()) == {1}
