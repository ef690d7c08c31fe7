"""An engine that knows a few workflows, and what the checker says about its database."""

from django.db import connection

from gorkflow import WorkflowBuilder, step
from gorkflow.config import EngineConfig
from gorkflow.definition.registry import Registry
from gorkflow.dispatch.inline import InlineDispatcher
from gorkflow.engine import Engine
from gorkflow.invariants import Verifier
from gorkflow.stores.orm import DjangoStore


@step
def ask(number: int) -> int:
    return number


@step
def left(number: int) -> int:
    return number + 1


@step
def right(number: int) -> int:
    return number + 2


@step
def total(numbers: tuple[int, int]) -> int:
    return sum(numbers)


@step(max_retries=0)
def picky(number: int) -> int:
    if number < 0:
        raise ValueError("below 0")
    return number


diamond = WorkflowBuilder("diamond").then(ask).parallel(left, right).then(total).build()
chain = WorkflowBuilder("chain").then(ask).then(picky).then(left).build()
limited = WorkflowBuilder("limited", max_concurrent_runs=1).then(ask).then(left).build()


def engine_of(*workflows):
    registry = Registry()
    for workflow in workflows:
        registry.register(workflow)
    return Engine(DjangoStore(), InlineDispatcher(), registry=registry, config=EngineConfig())


def verify(engine, *, fix=False, run_ids=None):
    verifier = Verifier(connection.alias, registry=engine.registry, config=engine.config, fix=fix)
    return verifier.verify(run_ids)


def codes(report):
    """What is wrong, as (code, step id), sorted."""
    return sorted((str(each.invariant), each.step_id) for each in report.findings)
