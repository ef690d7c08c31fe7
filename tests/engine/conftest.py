"""An engine on each store, so that every behaviour is seen on both."""

import pytest

from gorkflow.config import EngineConfig
from gorkflow.definition.binding import using_engine
from gorkflow.definition.registry import Registry
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.stores.memory import MemoryStore
from gorkflow.testing import VirtualClock


class Lab:
    """An engine with a registry of its own; `run` starts and finishes a workflow here."""

    def __init__(self, engine, clock=None):
        self.engine = engine
        self.clock = clock

    def run(self, builder, value=None, **options):
        workflow = builder.build()
        self.engine.registry.register(workflow)
        with using_engine(self.engine):
            return workflow.start(value, synchronous=True, **options)

    def start(self, builder, value=None, **options):
        workflow = builder.build()
        if self.engine.registry.find(workflow.id, workflow.version) is None:
            self.engine.registry.register(workflow)
        workflow = self.engine.registry.get(workflow.id)
        with using_engine(self.engine):
            return workflow.start(value, **options)


def statuses(run):
    return {step.step_id: str(step.status) for step in run.steps()}


@pytest.fixture(
    params=["memory", pytest.param("django", marks=pytest.mark.django_db(transaction=True))]
)
def lab(request):
    config = EngineConfig(lease=6, heartbeat=2)
    if request.param == "memory":
        clock = VirtualClock()
        store = MemoryStore(clock.now)
    else:
        from gorkflow.stores.orm import DjangoStore

        clock, store = None, DjangoStore()
    engine = Engine(store, InlineDispatcher(), registry=Registry(), config=config, clock=clock)
    return Lab(engine, clock)
