"""Runs that are pruned while somebody retries them, prunes them too, or starts others."""

from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from gorkflow import RunStatus, StartOptions, StepStatus, step
from gorkflow.engine import engine as engine_module
from gorkflow.engine.planner import Outcome
from gorkflow.errors import ConcurrencyLimitError, ErrorCode, NotFoundError
from gorkflow.models import (
    DefinitionSnapshot,
    RunEvent,
    RunState,
    StepAttempt,
    StepExecution,
    WorkflowRun,
)
from gorkflow.statuses import TERMINAL_RUNS, ActKind
from gorkflow.stores.base import NewEvent
from gorkflow.stores.orm import DjangoStore, creating, pruning, transactions
from gorkflow.stores.orm.clock import DatabaseTime
from gorkflow.stores.orm.events import record_event
from gorkflow.testing.contracts.kit import CHAIN, error, graph_of, new_run, planner_of
from tests.races.kit import (
    MANY,
    Act,
    Held,
    at_once,
    engine_of,
    gate_after,
    gate_before,
    is_postgresql,
    taker,
    unsure_commit,
    wait_until_blocked,
    workflow_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

STORE = DjangoStore()
PORTABLE = DjangoStore(portable=True)
LONE = graph_of(lone="")


@step
def one() -> int:
    return 1


def create(store=STORE, **changes):
    return store.create_run(new_run(**changes))[0].id


def failed(**changes):
    """A run that failed long ago, with an attempt and a state of its own."""
    run_id = create(**changes)
    for retryable in (True, False):
        StepExecution.objects.filter(run=run_id, status="RETRYING").update(due_at=DatabaseTime())
        claim = STORE.claim(run_id, taker())
        outcome = Outcome(status=StepStatus.FAILED, error=error(), retryable=retryable)
        STORE.finish(claim, planner_of(CHAIN).finish(claim, outcome, lambda: 0.0), None)
    RunState.objects.create(run_id=run_id, name="n", value=1)
    record_event(run_id, NewEvent(kind=ActKind.RETRY, actor="ann"), "default")
    make_old()
    return run_id


def make_old():
    """Let all that has ended have done so an hour ago."""
    then = DatabaseTime(-3600.0)
    WorkflowRun.objects.filter(ended_at__isnull=False).update(created_at=then, ended_at=then)


def prune(limit=10, statuses=TERMINAL_RUNS):
    return STORE.prune(older_than=60.0, statuses=statuses, limit=limit)


def restart(run_id):
    return STORE.restart(run_id, lambda _run, steps: planner_of(CHAIN).restart(steps))


def rows_of(run_id):
    """How many rows of each table there are of a run."""
    return [
        model.objects.filter(**{path: run_id}).count()
        for model, path in (
            (WorkflowRun, "pk"),
            (StepExecution, "run"),
            (StepAttempt, "step__run"),
            (RunState, "run"),
            (RunEvent, "run"),
        )
    ]


def test_a_pruned_run_leaves_nothing_and_takes_nothing_else():
    run_id, other = failed(), failed()
    WorkflowRun.objects.filter(pk=run_id).update(created_at=DatabaseTime(-7200.0))
    assert rows_of(run_id) == [1, 1, 1, 1, 1]

    assert prune(limit=1) == 1

    assert [sum(counts) for counts in (rows_of(run_id), rows_of(other))] == [0, 5]


def test_a_run_that_is_retried_between_look_and_lock_stays(monkeypatch):
    run_id = failed()
    gate = gate_before(monkeypatch, pruning, "write_transaction")

    prunes = Act(prune)
    gate.wait_until_reached()
    restart(run_id)
    gate.open()

    assert prunes.result() == 0
    assert STORE.get_run(run_id).status is RunStatus.PENDING


def test_a_run_that_ended_anew_between_look_and_lock_stays(monkeypatch):
    engine = engine_of(workflow_of(one))
    run = engine.start("race")
    engine.cancel(run.id)
    make_old()
    gate = gate_before(monkeypatch, pruning, "write_transaction")

    prunes = Act(prune, 10, [RunStatus.CANCELLED])
    gate.wait_until_reached()
    engine.retry(run.id)
    engine.work(run.id)
    gate.open()

    assert prunes.result() == 0
    assert run.refresh().output == 1


@pytest.mark.parametrize("commit", [True, False])
def test_a_run_that_is_being_retried_is_passed_over_without_waiting(commit):
    run_id, other = failed(), failed()
    restarts = Held(lambda: restart(run_id), commit=commit)
    prunes = Act(prune)
    wait_until_blocked(prunes)
    if connection.features.has_select_for_update_skip_locked:
        assert prunes.result() == 1

    restarts.end()
    prunes.result()
    assert sum(rows_of(other)) == 0
    if commit:
        assert STORE.get_run(run_id).status is RunStatus.PENDING
        # The run, its step reset, both attempts, the state, the event.
        assert rows_of(run_id) == [1, 1, 2, 1, 1]


@pytest.mark.parametrize("commit", [True, False])
def test_a_retry_of_a_run_that_is_being_pruned_finds_all_of_it_or_nothing(commit):
    run_id = failed()
    prunes = Held(prune, commit=commit)
    restarts = Act(restart, run_id)
    wait_until_blocked(restarts)

    prunes.end()

    if commit:
        assert isinstance(restarts.outcome(), NotFoundError)
        assert sum(rows_of(run_id)) == 0
    else:
        assert restarts.result().status is RunStatus.PENDING
        assert rows_of(run_id) == [1, 1, 2, 1, 1]


def test_who_prunes_beside_another_takes_other_runs_and_does_not_wait():
    for _ in range(4):
        failed()
    first = Held(lambda: prune(limit=2))
    second = Act(prune, 2)
    wait_until_blocked(second)
    if connection.features.has_select_for_update_skip_locked:
        # It has ended while the first is still at it. MariaDB locks all that it sorts, if it takes
        # an index for these few rows that is not in their order: then nothing is left to take.
        assert second.result() in ({2} if is_postgresql() else {0, 2})

    # What was left over goes with the next call.
    assert first.end() + second.result() + prune() == 4
    assert not WorkflowRun.objects.exists()


def test_many_who_prune_at_once_delete_each_run_once_and_do_not_deadlock(monkeypatch):
    trouble = []
    monkeypatch.setattr(
        transactions.log, "warning", lambda *_args, **data: trouble.append(data), raising=False
    )
    first = failed()
    for _ in range(29):
        # Each one a rerun of the one before, so that batches refer to each other.
        first = failed(rerun_of=first)

    def prune_all():
        total = 0
        while done := prune(limit=3):
            total += done
        return total

    assert sum(at_once(*[prune_all] * MANY)) == 30
    # MariaDB reads tables as small as these from end to end, and locks what it reads.
    assert trouble == [] or not is_postgresql()
    assert not StepExecution.objects.exists()


def test_a_rerun_keeps_the_name_of_the_run_that_was_pruned():
    first = failed()
    again = create(rerun_of=first)

    assert prune() == 1
    assert STORE.get_run(again).rerun_of == first
    assert create(rerun_of=first)


def test_a_rerun_of_a_run_that_is_being_pruned_is_recorded_with_it_or_nowhere():
    first, event = failed(), NewEvent(kind=ActKind.RERUN, actor="ann")
    prunes = Held(prune)
    reruns = Act(lambda: create(rerun_of=first, rerun_event=event))
    wait_until_blocked(reruns)

    prunes.end()

    assert STORE.get_run(reruns.result()).rerun_of == first
    assert not RunEvent.objects.exists()


def test_a_run_that_is_being_rerun_is_passed_over():
    first, event = failed(), NewEvent(kind=ActKind.RERUN, actor="ann")
    reruns = Held(lambda: create(rerun_of=first, rerun_event=event))
    prunes = Act(prune)
    wait_until_blocked(prunes)
    if connection.features.has_select_for_update_skip_locked:
        assert prunes.result() == 0

    reruns.end()
    assert prunes.result() == (0 if connection.features.has_select_for_update_skip_locked else 1)
    assert prune() + prunes.result() == 1
    assert sum(rows_of(first)) == 0


def test_a_prune_whose_answer_is_lost_does_not_fail(monkeypatch):
    failed()
    with unsure_commit(monkeypatch, pruning):
        prune()

    assert not WorkflowRun.objects.exists()


def test_one_transaction_takes_few_steps_but_at_least_one_run(monkeypatch):
    monkeypatch.setattr(pruning, "MOST_STEPS", 7)
    runs = [failed() for _ in range(4)]
    for run_id, steps, age in zip(runs, (3, 3, 3, 9), (9000, 8000, 7000, 6000), strict=True):
        WorkflowRun.objects.filter(pk=run_id).update(
            total_steps=steps, created_at=DatabaseTime(-age)
        )

    assert [prune() for _ in range(4)] == [2, 1, 1, 0]


def test_on_sqlite_a_prune_naps_between_batches_so_that_others_get_to_write(monkeypatch):
    naps = []
    monkeypatch.setattr(pruning.time, "sleep", naps.append)
    for _ in range(3):
        failed()

    prune(limit=1)
    with transaction.atomic():
        prune(limit=1)

    assert len(naps) == (1 if connection.vendor == "sqlite" else 0)
    assert all(nap > 0 for nap in naps)


# Graphs that no run follows any more


def test_a_graph_goes_with_the_last_run_that_follows_it():
    first, _ = failed(), failed()
    fingerprint = STORE.get_run(first).fingerprint

    seen = []
    while prune(limit=1):
        seen.append(DefinitionSnapshot.objects.filter(pk=fingerprint).exists())

    assert seen == [True, False]


@pytest.mark.parametrize("store", [STORE, PORTABLE])
@pytest.mark.parametrize("commit", [True, False])
def test_a_start_whose_graph_is_being_pruned_stores_it_again(store, commit):
    old = failed()
    prunes = Held(prune, commit=commit)
    starts = Act(create, store)
    wait_until_blocked(starts)

    prunes.end()

    run_id = starts.result()
    assert store.load(run_id, graph=True).graph == CHAIN.to_json()
    assert DefinitionSnapshot.objects.count() == 1
    assert WorkflowRun.objects.filter(pk=old).exists() is not commit


@pytest.mark.parametrize("store", [STORE, PORTABLE])
def test_a_graph_that_a_start_in_a_transaction_uses_is_not_pruned(store):
    old = failed()
    starts = Held(lambda: create(store))
    prunes = Act(prune)
    wait_until_blocked(prunes)
    if connection.features.has_select_for_update_skip_locked:
        assert prunes.result() == 1

    run_id = starts.end()
    assert prunes.result() == 1
    assert sum(rows_of(old)) == 0
    assert store.load(run_id, graph=True).graph == CHAIN.to_json()


@pytest.mark.parametrize("store", [STORE, PORTABLE])
def test_a_graph_that_a_start_took_after_it_was_looked_for_is_not_pruned(store, monkeypatch):
    """The start commits between the search for graphs without runs and the lock on them."""
    if connection.vendor == "sqlite":
        pytest.skip("there is one writer at a time")
    failed()
    gate = gate_after(monkeypatch, pruning, "_is_followed")
    prunes = Act(prune)
    gate.wait_until_reached()
    run_id = create(store)
    gate.open()

    assert prunes.result() == 1
    assert store.load(run_id, graph=True).graph == CHAIN.to_json()


def test_starts_and_prunes_of_one_graph_at_once_lose_neither_graph_nor_run():
    create(graph=LONE)

    def cycle():
        made = []
        for _ in range(8):
            run_id = create(graph=LONE)
            STORE.end_run(run_id, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))
            STORE.prune(older_than=0.0, statuses=TERMINAL_RUNS, limit=10)
            made.append(create(graph=LONE))
        return made

    made = [run_id for ids in at_once(*[cycle] * MANY) for run_id in ids]

    assert {str(STORE.load(run_id, graph=True).graph) for run_id in made} == {LONE.to_json()}


# Keys that come free while they are asked for


def test_a_start_whose_key_is_taken_by_a_run_that_is_pruned_meanwhile_starts(monkeypatch):
    if not is_postgresql():
        pytest.skip("elsewhere whoever has met a key keeps others from deleting it")
    failed(idempotency_key="k")
    gate = gate_before(monkeypatch, creating, "_existing")
    new = new_run(idempotency_key="k")
    starts = Act(STORE.create_run, new)
    gate.wait_until_reached()

    assert prune() == 1
    gate.open()

    record, created = starts.result()
    assert (record.id, created) == (new.id, True)
    assert rows_of(new.id) == [1, 1, 0, 0, 0]


def test_a_start_whose_resource_comes_free_meanwhile_starts(monkeypatch):
    if not is_postgresql():
        pytest.skip("elsewhere whoever has met a key keeps others from changing it")
    holder = create(concurrency_key="c")
    gate = gate_before(monkeypatch, creating, "_existing")
    starts = Act(lambda: create(concurrency_key="c"))
    gate.wait_until_reached()
    STORE.end_run(holder, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))
    gate.open()

    assert STORE.get_run(starts.result()).concurrency_checked


def test_a_start_that_waits_for_a_prune_of_its_key_starts():
    failed(idempotency_key="k")
    prunes = Held(prune)
    new = new_run(idempotency_key="k")
    starts = Act(STORE.create_run, new)
    wait_until_blocked(starts)

    prunes.end()

    record, created = starts.result()
    assert (record.id, created) == (new.id, True)


def test_a_start_whose_first_run_is_pruned_before_its_input_is_compared_starts(monkeypatch):
    engine = engine_of(workflow_of(one))
    options = StartOptions(idempotency_key="k")
    first = engine.start("race", None, options)
    engine.cancel(first.id)
    make_old()
    gate = gate_before(monkeypatch, engine_module, "refuse_other_input")

    starts = Act(engine.start, "race", None, options)
    gate.wait_until_reached()
    assert prune() == 1
    gate.open()

    run = starts.result()
    assert run.created
    assert run.id != first.id


def test_a_resource_that_is_held_is_still_refused():
    create(concurrency_key="c")

    with pytest.raises(ConcurrencyLimitError, match="holds the resource"):
        create(concurrency_key="c", resource_id="r")


# Rows of the host's that refer to ours


@contextmanager
def host_table(name, to, on_delete):
    """A table of the host's with a foreign key to one of ours."""
    fields = {
        "ours": models.ForeignKey(to, on_delete=on_delete, related_name="+", null=True),
        "__module__": "tests.shop.models",
        "Meta": type("Meta", (), {"app_label": "shop"}),
    }
    model = type(name, (models.Model,), fields)
    with connection.schema_editor() as editor:
        editor.create_model(model)
    try:
        yield model
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(model)
        del apps.all_models["shop"][name.lower()]
        apps.clear_cache()


@pytest.mark.parametrize(("on_delete", "left"), [(models.CASCADE, 0), (models.SET_NULL, 1)])
@pytest.mark.parametrize("to", [WorkflowRun, StepExecution])
def test_rows_of_the_host_are_treated_as_its_models_say(to, on_delete, left):
    run_id = failed()
    ours = to.objects.get(**({"pk": run_id} if to is WorkflowRun else {"run": run_id}))
    with host_table("Memo", to, on_delete) as memo:
        memo.objects.create(ours=ours)

        assert prune() == 1
        assert (memo.objects.count(), sum(rows_of(run_id))) == (left, 0)
        assert not memo.objects.filter(ours__isnull=False).exists()


@pytest.mark.parametrize("on_delete", [models.PROTECT, models.RESTRICT])
def test_a_run_that_the_host_protects_stays_and_does_not_keep_others(on_delete):
    kept, other = failed(), failed()
    with host_table("Proof", WorkflowRun, on_delete) as proof:
        proof.objects.create(ours=WorkflowRun.objects.get(pk=kept))

        assert [prune(limit=1), prune(limit=1)] == [1, 0]
        assert [sum(rows_of(run_id)) for run_id in (kept, other)] == [5, 0]


# What it costs


def statements(act):
    with CaptureQueriesContext(connection) as captured:
        act()
    sent = [query["sql"] for query in captured.captured_queries]
    return [sql for sql in sent if sql.startswith(("SELECT", "DELETE", "UPDATE", "INSERT"))]


def test_a_batch_takes_the_same_few_statements_however_much_is_in_it():
    counts = []
    for runs in (1, 20):
        for _ in range(runs):
            failed()
        counts.append(len(statements(lambda: prune(50, [RunStatus.FAILED]))))

    # Is there any, which, are they idle; what is there of three tables, and five that go; is their
    # graph followed, held by a start, still not followed, and go.
    assert counts == [15, 15]


def test_payloads_are_not_read():
    failed()
    for sql in statements(prune):
        assert '"input"' not in sql.replace("`", '"'), sql
        assert '"output"' not in sql.replace("`", '"'), sql


def test_a_look_that_finds_nothing_is_one_query_a_status_and_no_transaction():
    create()

    assert len(statements(prune)) == 3
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        prune()
    assert all("SAVEPOINT" not in query["sql"] for query in captured.captured_queries)
