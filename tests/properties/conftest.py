"""How hard hypothesis tries, and an engine on each store."""

import os

import pytest
from hypothesis import HealthCheck, settings

from gorkflow.config import EngineConfig
from gorkflow.definition.binding import using_engine
from gorkflow.definition.registry import Registry
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.stores.memory import MemoryStore
from gorkflow.testing import VirtualClock

# Fixtures are shared by the examples on purpose: each example makes runs of its own.
SHARED = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("suite", derandomize=True, database=None, max_examples=40, **SHARED)
settings.register_profile("long", max_examples=2000, print_blob=True, **SHARED)
settings.load_profile(os.environ.get("PROPERTIES", "suite"))


class Lab:
    """An engine with a registry of its own; `run` starts and finishes a workflow here."""

    def __init__(self, store, clock=None, **config):
        self.clock = clock
        self.engine = Engine(
            store,
            InlineDispatcher(),
            registry=Registry(),
            config=EngineConfig(**{"lease": 6, "heartbeat": 2, **config}),
            clock=clock,
        )

    def run(self, builder, value=None, **options):
        workflow = self.know(builder)
        with using_engine(self.engine):
            return workflow.start(value, synchronous=True, **options)

    def start(self, builder, value=None, **options):
        workflow = self.know(builder)
        with using_engine(self.engine):
            return workflow.start(value, **options)

    def check(self):
        """Whatever stands in the database agrees with itself, and with the workflows."""
        store = self.engine.store
        if not isinstance(store, MemoryStore):
            from gorkflow.invariants import Verifier

            registry, config = self.engine.registry, self.engine.config
            report = Verifier(store.using, registry=registry, config=config).verify()
            assert report.findings == []

    def know(self, builder):
        workflow = builder.build()
        self.engine.registry.unregister(workflow.id)
        return self.engine.registry.register(workflow)


def memory_lab():
    clock = VirtualClock()
    return Lab(MemoryStore(clock.now), clock)


def django_lab():
    from gorkflow.stores.orm import DjangoStore

    return Lab(DjangoStore())


@pytest.fixture(
    params=["memory", pytest.param("django", marks=pytest.mark.django_db(transaction=True))]
)
def lab(request):
    return memory_lab() if request.param == "memory" else django_lab()
