"""Two workers, or a worker and somebody who steers, at one run in the same moment."""

import pytest

from gorkflow import RunStatus, StepStatus
from gorkflow.engine.planner import Outcome
from gorkflow.errors import ConcurrencyLimitError, ErrorCode, InvalidStateError
from gorkflow.models import WorkflowRun
from gorkflow.statuses import TERMINAL_RUNS
from gorkflow.stores.orm import DjangoStore, claiming, finishing, restarting, sweeping
from gorkflow.testing.contracts.kit import CHAIN, DIAMOND, error, graph_of, new_run, planner_of
from tests.races.kit import (
    MANY,
    Act,
    at_once,
    end_lease,
    gate_after,
    gate_before,
    make_old,
    row,
    taker,
    wait_until_blocked,
)

pytestmark = pytest.mark.django_db(transaction=True)

STORE = DjangoStore()
PORTABLE = DjangoStore(portable=True)
FAN = graph_of(a="", b="", c="", d="")
FAILS = {"status": StepStatus.FAILED, "error": error(), "retryable": False}


def create(graph=CHAIN, **changes):
    return STORE.create_run(new_run(graph, **changes))[0].id


def claim(run_id):
    found = STORE.claim(run_id, taker())
    assert found is not None
    return found


def decided(claimed, graph=CHAIN, **outcome):
    outcome = {"status": StepStatus.COMPLETED, "output": f'"{claimed.step_id}"', **outcome}
    return planner_of(graph).finish(claimed, Outcome(**outcome), lambda: 0.0)


def finish(claimed, graph=CHAIN, take=None, **outcome):
    return STORE.finish(claimed, decided(claimed, graph, **outcome), take)


def cancel(run_id):
    return STORE.end_run(run_id, RunStatus.CANCELLED, error(ErrorCode.CANCELLED))


def restart(run_id, graph=CHAIN):
    def decide(record, steps):
        if record.status not in TERMINAL_RUNS:
            raise InvalidStateError("it is under way", status=record.status)
        return planner_of(graph).restart(steps)

    return STORE.restart(run_id, decide)


def statuses(run_id):
    return {each.step_id: each.status for each in STORE.get_steps(run_id)}


def test_of_many_workers_one_gets_the_step():
    run_id = create()

    claims = at_once(*[lambda: STORE.claim(run_id, taker())] * MANY)

    assert sum(each is not None for each in claims) == 1
    assert row(run_id, "a").attempt == 1


def test_many_workers_get_different_steps():
    run_id = create(FAN)

    claims = at_once(*[lambda: STORE.claim(run_id, taker())] * MANY)

    assert sorted(each.step_id for each in claims) == ["a", "b", "c", "d"]


def test_a_result_that_is_handed_in_many_times_at_once_counts_once():
    run_id = create(DIAMOND)
    claimed = claim(run_id)

    finished = at_once(*[lambda: finish(claimed, DIAMOND)] * MANY)

    assert {len(each.ready) for each in finished} == {2}
    assert statuses(run_id) == {
        "a": StepStatus.COMPLETED,
        "b": StepStatus.PENDING,
        "c": StepStatus.PENDING,
        "d": StepStatus.PENDING,
    }
    assert row(run_id, "d").pending == 2


def test_two_parents_that_finish_together_open_their_join_once(monkeypatch):
    run_id = create(DIAMOND)
    finish(claim(run_id), DIAMOND)
    left, right = claim(run_id), claim(run_id)
    gate = gate_before(monkeypatch, finishing, "_make_ready")

    one = Act(lambda: finish(left, DIAMOND, taker()))
    gate.wait_until_reached()
    other = Act(lambda: finish(right, DIAMOND, taker()))
    wait_until_blocked(other)
    assert other.is_alive()
    gate.open()

    claims = [one.result().claim, other.result().claim]
    assert [each is not None for each in claims] == [False, True]
    assert row(run_id, "d").pending == 0
    assert row(run_id, "d").attempt == 1


def test_two_last_steps_that_finish_together_end_the_run_once(monkeypatch):
    graph = graph_of(a="", b="")
    run_id = create(graph)
    left, right = claim(run_id), claim(run_id)
    gate = gate_before(monkeypatch, finishing, "_close_sink")

    one = Act(lambda: finish(left, graph))
    gate.wait_until_reached()
    other = Act(lambda: finish(right, graph))
    wait_until_blocked(other)
    gate.open()

    assert [one.result().ended_run, other.result().ended_run] == [False, True]
    output = STORE.load(run_id, run_output=True).output.replace(" ", "")
    assert output == '{"a":"a","b":"b"}'


def test_a_cancel_that_waits_for_a_finish_also_cancels_what_the_finish_made_ready(monkeypatch):
    run_id = create(DIAMOND)
    claimed = claim(run_id)
    gate = gate_after(monkeypatch, finishing, "_make_ready")

    finishes = Act(lambda: finish(claimed, DIAMOND, taker()))
    gate.wait_until_reached()
    cancels = Act(cancel, run_id)
    wait_until_blocked(cancels)
    assert cancels.is_alive()
    gate.open()
    finishes.result()
    cancels.result()

    assert statuses(run_id) == {
        "a": StepStatus.COMPLETED,
        "b": StepStatus.CANCELLED,
        "c": StepStatus.CANCELLED,
        "d": StepStatus.CANCELLED,
    }
    assert STORE.claim(run_id, taker()) is None


def test_a_finish_that_waits_for_a_cancel_is_refused(monkeypatch):
    run_id = create(DIAMOND)
    claimed = claim(run_id)
    gate = gate_before(monkeypatch, finishing, "close_run")

    cancels = Act(cancel, run_id)
    gate.wait_until_reached()
    finishes = Act(lambda: finish(claimed, DIAMOND, taker()))
    wait_until_blocked(finishes)
    gate.open()
    cancels.result()

    assert not finishes.result().accepted
    assert statuses(run_id) == {"a": StepStatus.CANCELLED, "d": StepStatus.CANCELLED}


def test_a_claim_that_waits_for_a_cancel_gets_nothing(monkeypatch):
    run_id = create()
    gate = gate_before(monkeypatch, finishing, "close_run")

    cancels = Act(cancel, run_id)
    gate.wait_until_reached()
    claims = Act(lambda: STORE.claim(run_id, taker()))
    wait_until_blocked(claims)
    gate.open()
    cancels.result()

    assert claims.result() is None
    assert STORE.get_run(run_id).status is RunStatus.CANCELLED


def test_of_many_cancels_one_succeeds():
    run_id = create()

    outcomes = at_once(*[lambda: cancel(run_id)] * MANY)

    assert sum(isinstance(each, InvalidStateError) for each in outcomes) == MANY - 1


def test_a_finish_that_waits_for_the_sweep_to_give_its_step_away_is_refused(monkeypatch):
    run_id = create()
    claimed = claim(run_id)
    end_lease(run_id, "a")
    gate = gate_before(monkeypatch, finishing, "_store_step")

    loses = Act(lambda: STORE.finish(claimed, planner_of(CHAIN).lost(claimed), None))
    gate.wait_until_reached()
    finishes = Act(lambda: finish(claimed))
    wait_until_blocked(finishes)
    gate.open()

    assert loses.result().accepted
    assert not finishes.result().accepted
    assert statuses(run_id) == {"a": StepStatus.RETRYING}


def test_a_sweep_that_waits_for_a_late_finish_takes_nothing_away(monkeypatch):
    run_id = create()
    claimed = claim(run_id)
    end_lease(run_id, "a")
    (expired,) = STORE.sweep(limit=10, resend_after=60.0).expired
    gate = gate_before(monkeypatch, finishing, "_store_step")

    finishes = Act(lambda: PORTABLE.finish(claimed, decided(claimed), None))
    gate.wait_until_reached()
    loses = Act(lambda: STORE.finish(expired, planner_of(CHAIN).lost(expired), None))
    wait_until_blocked(loses)
    gate.open()

    assert finishes.result().accepted
    assert not loses.result().accepted
    assert statuses(run_id) == {"a": StepStatus.COMPLETED, "b": StepStatus.PENDING}


def test_many_sweeps_give_a_lost_step_away_once():
    run_id = create()
    claim(run_id)
    end_lease(run_id, "a")
    (expired,) = STORE.sweep(limit=10, resend_after=60.0).expired

    lost = at_once(*[lambda: STORE.finish(expired, planner_of(CHAIN).lost(expired), None)] * MANY)

    assert sum(each.accepted for each in lost) == 1
    assert row(run_id, "a").crashes == 1


def test_many_sweeps_send_for_a_waiting_step_once():
    run_id = create()
    make_old(run_id)

    swept = at_once(*[lambda: STORE.sweep(limit=10, resend_after=60.0)] * MANY)

    assert sum(len(each.hints) for each in swept) == 1


def test_a_step_that_is_claimed_while_a_sweep_looks_stays_claimed(monkeypatch):
    run_id = create()
    make_old(run_id)
    gate = gate_before(monkeypatch, sweeping, "write_transaction")

    sweeps = Act(lambda: STORE.sweep(limit=10, resend_after=60.0))
    gate.wait_until_reached()
    claimed = claim(run_id)
    gate.open()

    assert sweeps.result().hints == []
    assert row(run_id, "a").token == claimed.token
    assert row(run_id, "a").status == "RUNNING"


def test_a_cancel_beside_a_retry_leaves_the_run_cancelled_or_refuses(monkeypatch):
    run_id = create(DIAMOND)
    finish(claim(run_id), DIAMOND, **FAILS)
    gate = gate_before(monkeypatch, restarting, "_reset_steps")

    retries = Act(lambda: restart(run_id, DIAMOND))
    gate.wait_until_reached()
    cancels = Act(cancel, run_id)
    wait_until_blocked(cancels)
    gate.open()

    assert retries.result().status is RunStatus.PENDING
    cancels.result()
    assert STORE.get_run(run_id).status is RunStatus.CANCELLED
    assert set(statuses(run_id).values()) == {StepStatus.CANCELLED}


def test_of_many_retries_one_succeeds():
    run_id = create()
    finish(claim(run_id), **FAILS)

    outcomes = at_once(*[lambda: restart(run_id)] * MANY)

    assert sum(isinstance(each, InvalidStateError) for each in outcomes) == MANY - 1
    assert statuses(run_id) == {"a": StepStatus.PENDING}


def test_a_retry_counts_a_sibling_whether_it_finishes_before_or_after(monkeypatch):
    run_id = create(DIAMOND)
    finish(claim(run_id), DIAMOND)
    sibling = claim(run_id)
    finish(claim(run_id), DIAMOND, **FAILS)
    gate = gate_before(monkeypatch, restarting, "_reset_steps")

    retries = Act(lambda: restart(run_id, DIAMOND))
    gate.wait_until_reached()
    finishes = Act(lambda: finish(sibling, DIAMOND))
    wait_until_blocked(finishes)
    gate.open()
    retries.result()

    assert finishes.result().accepted
    assert row(run_id, "d").pending == 1
    finish(claim(run_id), DIAMOND)
    finish(claim(run_id), DIAMOND)
    assert STORE.get_run(run_id).status is RunStatus.COMPLETED


def test_many_starts_with_one_idempotency_key_make_one_run():
    outcomes = at_once(*[lambda: STORE.create_run(new_run(idempotency_key="k"))] * MANY)

    assert len({record.id for record, _ in outcomes}) == 1
    assert sorted(created for _, created in outcomes) == [False] * (MANY - 1) + [True]
    assert WorkflowRun.objects.count() == 1


def test_many_starts_for_one_resource_make_one_run():
    start = lambda: STORE.create_run(new_run(concurrency_key="c", resource_id="order-1"))

    outcomes = at_once(*[start] * MANY)

    assert sum(isinstance(each, ConcurrencyLimitError) for each in outcomes) == MANY - 1
    assert WorkflowRun.objects.filter(active_key="c").count() == 1


def test_a_start_and_a_retry_for_one_resource_make_one_active_run():
    old = create(concurrency_key="c", resource_id="order-1")
    finish(claim(old), **FAILS)
    start = lambda: STORE.create_run(new_run(concurrency_key="c", resource_id="order-1"))

    outcomes = at_once(start, lambda: restart(old))

    assert sum(isinstance(each, ConcurrencyLimitError) for each in outcomes) == 1
    assert WorkflowRun.objects.active().count() == 1


def test_a_run_limit_holds_when_runs_are_claimed_at_once():
    runs = [create(run_limit=2) for _ in range(MANY)]

    claims = at_once(*[lambda each=each: STORE.claim(each, taker()) for each in runs])

    claimed = [each.run_id for each in claims if each is not None]
    assert sorted(claimed) == sorted(runs[:2])


def test_a_run_limit_holds_while_a_claim_is_between_its_look_and_its_commit(monkeypatch):
    runs = [create(run_limit=1) for _ in range(2)]
    gate = gate_before(monkeypatch, claiming, "_begin")

    first = Act(lambda: STORE.claim(runs[0], taker()))
    gate.wait_until_reached()
    second = Act(lambda: STORE.claim(runs[1], taker()))
    wait_until_blocked(second)
    gate.open()

    assert first.result() is not None
    assert second.result() is None


def test_a_step_limit_holds_when_steps_are_claimed_at_once():
    run_id = create(FAN, step_limit=2)

    claims = at_once(*[lambda: STORE.claim(run_id, taker())] * MANY)

    assert sum(each is not None for each in claims) == 2


def test_a_step_limit_holds_while_finishes_claim_on():
    run_id = create(FAN, step_limit=2)
    held = [claim(run_id), claim(run_id)]

    finished = at_once(*[lambda each=each: finish(each, FAN, taker()) for each in held])

    assert all(each.claim is not None for each in finished)
    assert sorted(statuses(run_id).values()) == sorted(
        [StepStatus.COMPLETED] * 2 + [StepStatus.RUNNING] * 2
    )
