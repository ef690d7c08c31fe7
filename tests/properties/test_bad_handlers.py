"""Handlers that do what no handler should: their runs end, and nobody else is harmed."""

import signal
import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from gorkflow import RunStatus, StartOptions, StepStatus, WorkflowBuilder, step
from gorkflow.errors import ErrorCode
from gorkflow.models import AdmissionLock
from tests.properties.bad_handlers import BAD, MyExit, good, good_and_atomic
from tests.properties.conftest import django_lab


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = set(threading.enumerate())  # a live server may be among them, and stays
    yield
    for each in set(threading.enumerate()) - before:
        if each.name.startswith("Thread-"):
            each.join(5)


def run_bad(lab, name):
    found = BAD[name]
    if found.needs_django and type(lab.engine.store).__name__ == "MemoryStore":
        pytest.skip("a matter of the database")
    lab.know(WorkflowBuilder("good").then(good))
    return lab.run(WorkflowBuilder("bad").then(found.step))


@pytest.mark.parametrize("name", BAD)
def test_the_run_of_a_bad_handler_ends_as_it_should(lab, name):
    expected = BAD[name]

    run = run_bad(lab, name)

    if expected.code is None:
        assert run.status is RunStatus.COMPLETED, run.error
    else:
        assert run.status is RunStatus.FAILED
        assert run.error.code is expected.code
        assert expected.says in run.error.message
        assert len(run.error.message) <= 2000
        attempts = run.steps(attempts=True)[0].attempts
        assert all(len(attempt.error.traceback) <= 16 * 1024 for attempt in attempts)
        assert {attempt.status for attempt in attempts} == {StepStatus.FAILED}


@pytest.mark.parametrize("name", BAD)
def test_the_run_after_a_bad_handler_is_unharmed(lab, name):
    place = Path.cwd()
    run_bad(lab, name)

    after = lab.run(WorkflowBuilder("good").then(good).then(good.with_(id="again")), 1)

    assert after.output == 3
    assert Path.cwd() == place
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@pytest.mark.parametrize("name", [name for name in BAD if BAD[name].needs_django])
@pytest.mark.django_db(transaction=True)
def test_what_a_bad_handler_leaves_in_the_database_is_undone(name):
    lab = django_lab()
    run_bad(lab, name)

    assert connection.get_autocommit()
    assert not connection.in_atomic_block
    written = AdmissionLock.objects.filter(workflow_id=name).exists()
    assert written == (BAD[name].code is None and name != "closed_connection")
    after = lab.run(WorkflowBuilder("good").then(good).then(good_and_atomic), 1)
    assert after.output == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic", [False, True])
def test_a_begin_by_hand_does_not_swallow_the_result(atomic):
    @step(max_retries=0, atomic=atomic)
    def begins():
        with connection.cursor() as cursor:
            cursor.execute("SAVEPOINT mine" if atomic else "BEGIN")
        AdmissionLock.objects.create(workflow_id="begins")

    lab = django_lab()
    run = lab.run(WorkflowBuilder("bad").then(begins))

    knows = connection.vendor != "mysql"  # whose driver does not tell
    failed = not atomic and knows
    assert run.status is (RunStatus.FAILED if failed else RunStatus.COMPLETED)
    connection.close()
    assert AdmissionLock.objects.filter(workflow_id="begins").exists() is not failed
    assert lab.engine.get_run(run.id).status is run.status


@pytest.mark.django_db(transaction=True)
def test_an_atomic_left_open_in_the_callers_transaction_undoes_itself_alone():
    lab = django_lab()
    with transaction.atomic():
        AdmissionLock.objects.create(workflow_id="the caller's")
        run = run_bad(lab, "open_atomic")

    assert run.status is RunStatus.FAILED
    assert AdmissionLock.objects.filter(workflow_id="the caller's").exists()
    assert not AdmissionLock.objects.filter(workflow_id="open_atomic").exists()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, MyExit, GeneratorExit])
def test_what_would_end_a_process_is_contained_where_no_signal_can_raise_it(lab, raised):
    """As in a Celery child, which ignores Ctrl-C, or in a thread."""

    @step(max_retries=1, retry_delay=0)
    def raises():
        raise raised

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = lab.run(WorkflowBuilder("bad").then(raises))
    finally:
        signal.signal(signal.SIGINT, before)

    assert (run.status, run.error.code) == (RunStatus.FAILED, ErrorCode.PANIC)
    assert run.steps()[0].attempt == 2


def test_ctrl_c_still_ends_a_synchronous_run(lab):
    @step
    def interrupted():
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        lab.run(WorkflowBuilder("bad").then(interrupted))


def test_the_time_limit_of_a_handler_holds_for_the_run_inside_it(lab):
    @step(timeout=30, max_retries=3)
    def inner():
        threading.Event().wait(60)

    @step(timeout=0.3, max_retries=0)
    def outer():
        return lab.engine.start("inner", None, StartOptions(synchronous=True)).output

    lab.know(WorkflowBuilder("inner").then(inner))

    run = lab.run(WorkflowBuilder("outer").then(outer))

    assert (run.error.code, run.error.step_id) == (ErrorCode.TIMEOUT, "outer")
