"""The store is away in the middle of things: no attempt is burnt, no lease is stolen."""

import pytest
from django.db import OperationalError

from gorkflow import RunStatus, StepStatus, step
from gorkflow.config import EngineConfig
from gorkflow.definition.registry import Registry
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.engine.recovery import Sweeper
from gorkflow.stores.memory import MemoryStore
from gorkflow.stores.orm import DjangoStore
from gorkflow.testing import VirtualClock
from tests.races.kit import engine_of, taker, workflow_of

CONFIG = EngineConfig(lease=30, heartbeat=8, sweep_interval=10)


class ForgetfulStore(DjangoStore):
    """Cannot read the outputs of steps the first time it is asked."""

    def __init__(self):
        super().__init__()
        self.refusals = 1

    def load(self, run_id, **wanted):
        if self.refusals and wanted.get("outputs"):
            self.refusals -= 1
            raise OperationalError("server closed the connection unexpectedly")
        return super().load(run_id, **wanted)


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.django_db(transaction=True)
def test_a_step_whose_input_cannot_be_read_goes_back_and_burns_no_attempt(atomic):
    def double(value: int) -> int:
        return 2 * value

    def add(value: int) -> int:
        return 1 + value

    workflow = workflow_of(step(double), step(add, atomic=atomic, max_retries=0))
    store = ForgetfulStore()
    engine = engine_of(workflow, store=store)
    run = engine.start(workflow, 3)

    engine.work(run.id, budget=0)  # the second step is another worker's, who remembers nothing
    engine.work(run.id)
    waiting = run.steps()[1]
    engine.work(run.id)

    assert (waiting.status, waiting.attempt, store.refusals) == (StepStatus.PENDING, 0, 0)
    assert run.refresh().output == 7
    assert [(row.attempt, row.failures, row.crashes) for row in run.steps()] == [(1, 0, 0)] * 2


class RestingStore(MemoryStore):
    """Is away for so many sweeps, or slow for so many seconds."""

    def __init__(self, clock):
        super().__init__(clock.now)
        self.clock = clock
        self.away = 0
        self.slow = 0.0

    def sweep(self, **options):
        if self.away:
            self.away -= 1
            raise OSError("no route to host")
        swept = super().sweep(**options)
        self.clock.advance(self.slow)
        return swept


@pytest.fixture
def lab():
    """An engine with a step that is held, and whose lease has ended while the store was away."""
    clock = VirtualClock()

    def held(value: int) -> int:
        return value

    workflow = workflow_of(step(held))
    registry = Registry()
    registry.register(workflow)
    store = RestingStore(clock)
    engine = Engine(store, InlineDispatcher(), registry=registry, config=CONFIG, clock=clock)
    run = engine.start(workflow, 1)
    claim = store.claim(run.id, taker(lease=30))
    clock.advance(60)
    return engine, run, claim


def status(run):
    return run.steps()[0].status


def test_leases_that_ended_while_the_store_was_away_are_let_be_until_they_can_be_renewed(lab):
    engine, run, claim = lab
    engine.store.away = 2
    sweeper = Sweeper(engine)

    pauses = [sweeper.sweep() for _ in range(3)]

    assert status(run) is StepStatus.RUNNING
    assert pauses[2] > CONFIG.heartbeat, "time to renew"
    assert engine.store.heartbeat({claim.lease: None}, 30) == {claim.lease}
    sweeper.sweep()
    assert status(run) is StepStatus.RUNNING
    assert run.refresh().status is RunStatus.RUNNING


def test_a_worker_that_died_while_the_store_was_away_is_found_by_the_sweep_after(lab):
    engine, run, _ = lab
    engine.store.away = 1
    sweeper = Sweeper(engine)

    for _ in range(3):
        sweeper.sweep()

    assert status(run) is StepStatus.RETRYING


def test_a_sweeper_comes_back_when_a_lease_ends_that_nobody_renews(lab):
    engine, _, _ = lab
    Sweeper(engine).sweep()
    run = engine.start(engine.registry.get("race"), 1)
    engine.store.claim(run.id, taker(lease=2))

    assert 2 < Sweeper(engine).sweep() < 2.5


def test_a_sweep_that_the_store_held_up_takes_no_lease(lab):
    engine, run, _ = lab
    engine.store.slow = CONFIG.heartbeat

    engine.sweep()
    assert status(run) is StepStatus.RUNNING

    engine.store.slow = 0.0
    engine.sweep()
    assert status(run) is StepStatus.RETRYING
