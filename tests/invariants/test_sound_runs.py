"""Whatever the engine leaves behind at any moment, the checker finds nothing wrong with it."""

import threading

import pytest
from django.db import connections

from gorkflow.config import StartOptions
from gorkflow.invariants import verifier as verifier_module
from gorkflow.models import StepExecution, WorkflowRun
from tests.invariants.kit import chain, diamond, engine_of, limited, verify

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def engine():
    return engine_of(diamond, chain, limited)


def test_a_run_is_sound_after_every_single_step(engine):
    run = engine.start(diamond, 1)
    for _ in range(5):
        assert verify(engine).findings == []
        engine.work(run.id, queue="celery", budget=0)

    assert run.refresh().status == "COMPLETED"
    report = verify(engine)
    assert (report.findings, report.runs, report.steps) == ([], 1, 4)


def test_failed_cancelled_retried_and_limited_runs_are_sound(engine):
    failed = engine.start(chain, -1)
    engine.run_to_end(failed.id)
    cancelled = engine.start(chain, 1, StartOptions(resource_id="r", concurrency_check=True))
    engine.work(cancelled.id, queue="celery", budget=0)
    engine.cancel(cancelled.id)
    assert verify(engine).findings == []

    engine.retry(failed.id)
    engine.retry(cancelled.id)
    engine.start(limited, 1)
    engine.start(limited, 2)
    assert verify(engine).findings == []

    for run in WorkflowRun.objects.order_by("pk"):
        engine.run_to_end(run.pk)
    report = verify(engine)
    assert (report.findings, report.runs) == ([], 4)


def test_only_the_runs_that_are_asked_for_are_looked_at(engine):
    runs = [engine.start(chain, 1) for _ in range(3)]
    WorkflowRun.objects.filter(pk=runs[0].id).update(total_steps=9)

    assert verify(engine, run_ids=[runs[1].id]).runs == 1
    assert verify(engine, run_ids=[runs[1].id]).findings == []
    assert len(verify(engine, run_ids=[runs[0].id]).findings) == 1


def test_many_runs_are_read_in_pieces(engine, monkeypatch):
    monkeypatch.setattr(verifier_module, "BATCH", 2)
    for _ in range(5):
        engine.start(chain, 1)

    assert verify(engine).runs == 5


def test_what_a_worker_commits_between_two_reads_is_no_finding(engine, monkeypatch):
    """The runs are read, then a worker finishes the run, then the steps are read."""
    run = engine.start(chain, 1)
    load = verifier_module.load_facts
    torn = []

    def load_while_a_worker_works(run_ids, using):
        before = list(WorkflowRun.objects.filter(pk__in=run_ids))
        if not torn:
            thread = threading.Thread(target=_run_to_end, args=(engine, run.id))
            thread.start()
            thread.join(20)
        facts = load(run_ids, using)
        if not torn:
            torn.append(True)
            facts = [verifier_module.Facts(before[0], *_rest(each)) for each in facts]
            assert any(verifier_module._check(facts[0]))
        return facts

    monkeypatch.setattr(verifier_module, "load_facts", load_while_a_worker_works)

    assert verify(engine).findings == []
    assert torn


def _rest(facts):
    return facts.steps, facts.attempts, facts.graph


def _run_to_end(engine, run_id):
    try:
        engine.run_to_end(run_id)
    finally:
        connections.close_all()


def test_payloads_are_not_read_unless_they_are_checked(engine, django_assert_max_num_queries):
    for _ in range(3):
        engine.run_to_end(engine.start(diamond, 1).id)
    assert StepExecution.objects.count() == 12

    quick = verifier_module.Verifier("default", registry=None, config=engine.config)
    # Two for the ids, four for the facts, one for each table's orphans, one for limits.
    with django_assert_max_num_queries(12):
        assert quick.verify().findings == []
