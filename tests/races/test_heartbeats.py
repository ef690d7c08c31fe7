"""Leases that are renewed too late, too long, or not at all."""

import threading
from uuid import uuid4

import pytest
from django.db import connection, transaction

from gorkflow import RunStatus, StartOptions, StepContext, StepStatus, step
from gorkflow.engine import heartbeat as heartbeat_module
from gorkflow.engine import timeout
from gorkflow.engine import worker as worker_module
from gorkflow.engine.heartbeat import Beat, Heartbeat
from gorkflow.errors import ErrorCode
from gorkflow.stores.base import Lease
from gorkflow.stores.orm import DjangoStore, finishing
from gorkflow.testing.contracts.kit import CHAIN, error, new_run, planner_of
from tests.races.kit import (
    PATIENCE,
    Act,
    end_lease,
    engine_of,
    is_postgresql,
    row,
    taker,
    wait_until_blocked,
    workflow_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

STORE = DjangoStore()


class Renewals:
    """A store that knows nothing but heartbeats, and tells when a lease was renewed."""

    def __init__(self):
        self.calls = []
        self._renewed = threading.Condition()

    def heartbeat(self, beats, lease):
        with self._renewed:
            self.calls.append(dict(beats))
            self._renewed.notify_all()
        return set(beats)

    def release(self):
        pass

    def wait_for(self, lease, seconds):
        with self._renewed:
            return self._renewed.wait_for(
                lambda: any(lease in call for call in self.calls), seconds
            )


def lease_of(run_id, step_id):
    step = row(run_id, step_id)
    return Lease(step.pk, step.token)


def leases_of(engine):
    """The leases that the engine keeps alive."""
    return {beat.lease for beat in engine.heartbeat._beats}


def held_step(store=STORE, **changes):
    run_id = store.create_run(new_run(**changes))[0].id
    return run_id, store.claim(run_id, taker())


def test_a_lease_that_begins_while_the_heart_rests_is_renewed_in_time(monkeypatch):
    renewals, resting = Renewals(), threading.Event()
    beating = Heartbeat(renewals, lease=0.3, interval=0.02)
    wait, idle_waits = beating._changed.wait, []

    def watched(seconds):
        if not beating._beats:
            idle_waits.append(seconds)
        if len(idle_waits) > 1:
            resting.set()
        return wait(seconds)

    monkeypatch.setattr(beating._changed, "wait", watched)
    first, second = Beat(Lease(1, uuid4())), Beat(Lease(2, uuid4()))
    beating.add(first)
    assert renewals.wait_for(first.lease, PATIENCE)
    beating.remove(first)
    assert resting.wait(PATIENCE)

    beating.add(second)

    try:
        assert renewals.wait_for(second.lease, 1.0)
    finally:
        beating.remove(second)


def test_progress_that_comes_thick_is_gathered(monkeypatch):
    gathering_time = 7.0
    monkeypatch.setattr(heartbeat_module, "PROGRESS_SECONDS", gathering_time)
    renewals, gathering = Renewals(), threading.Event()
    beating = Heartbeat(renewals, lease=60.0, interval=PATIENCE)
    wait = beating._changed.wait

    def watched(seconds):
        if seconds == gathering_time:
            gathering.set()
        return wait(seconds)

    monkeypatch.setattr(beating._changed, "wait", watched)
    beat = Beat(Lease(1, uuid4()))
    beating.add(beat)
    beating.nudge()
    while not gathering.wait(0.01):
        beating.nudge()

    for number in range(5):
        beat.report(number / 10, "")
        beating.nudge()

    try:
        assert not renewals.wait_for(beat.lease, 0.1)
    finally:
        beating.remove(beat)


@pytest.mark.parametrize("note", ["\udcff", "a\x00b"], ids=["a broken file name", "NUL"])
def test_a_note_that_no_database_takes_does_not_stop_the_heart(note):
    """A handler reports the name of a file, as os.listdir gives it."""
    held, bystander = held_step(), held_step()
    engine = engine_of()
    beats = [Beat(held[1].lease), Beat(bystander[1].lease)]
    engine.heartbeat._beats = set(beats)
    for run_id, _ in (held, bystander):
        end_lease(run_id, "a")

    beats[0].report(0.5, note)
    engine.heartbeat.beat_once()

    assert STORE.sweep(limit=10, resend_after=60.0).expired == []


def test_a_heart_beats_on_after_its_connection_was_lost():
    if not is_postgresql():
        pytest.skip("a file does not hang up")
    run_id, claimed = held_step()
    heart = engine_of().heartbeat
    heart._beats = {Beat(claimed.lease)}

    def beat_over_a_lost_connection():
        heart.beat_once()
        backend = connection.connection.info.backend_pid
        Act(hang_up, backend).result()
        heart.beat_once()
        end_lease_elsewhere(run_id)
        heart.beat_once()

    def hang_up(backend):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    def end_lease_elsewhere(run_id):
        Act(end_lease, run_id, "a").result()

    Act(beat_over_a_lost_connection).result()

    assert STORE.sweep(limit=10, resend_after=60.0).expired == []


def test_a_row_that_somebody_has_locked_does_not_keep_other_leases_from_being_renewed():
    if not is_postgresql():
        pytest.skip("here a writer locks the whole file, the sweep out too")
    locked, other = held_step(), held_step()
    end_lease(other[0], "a")
    heart = engine_of().heartbeat
    heart._beats = {Beat(each.lease) for _, each in (locked, other)}

    with transaction.atomic():
        # A view that cancels a run, in a transaction that goes on for a while.
        STORE.end_run(locked[0], RunStatus.CANCELLED, error(ErrorCode.CANCELLED))
        beats = Act(heart.beat_once)
        wait_until_blocked(beats)
        swept = Act(lambda: STORE.sweep(limit=10, resend_after=60.0).expired).result()
    beats.result()

    assert swept == []


def test_an_attempt_that_cannot_be_interrupted_loses_its_lease_when_its_time_is_up(monkeypatch):
    inside, leave, rung = threading.Event(), threading.Event(), threading.Event()

    @step(timeout=0.05, max_retries=0)
    def blocked() -> None:
        inside.set()
        leave.wait(PATIENCE)

    raise_in = timeout._raise_in

    def ring(thread_id, exception):
        raise_in(thread_id, exception)
        if exception is not None:
            rung.set()

    monkeypatch.setattr(timeout, "_raise_in", ring)
    monkeypatch.setattr(worker_module, "GRACE_SECONDS", 0.0)
    engine = engine_of(workflow_of(blocked))
    run = engine.start("race")
    works = Act(engine.work, run.id)
    try:
        assert inside.wait(PATIENCE)
        assert rung.wait(PATIENCE)
        end_lease(run.id, "blocked")
        engine.heartbeat.beat_once()
        expired = STORE.sweep(limit=10, resend_after=60.0).expired
    finally:
        leave.set()
        works.result()

    assert [each.step_id for each in expired] == ["blocked"]


def test_a_step_that_is_claimed_with_a_finish_is_kept_while_listeners_are_told():
    """Listeners may take their time: a signal's receiver calls another service."""

    @step
    def first() -> int:
        return 1

    @step
    def second(n: int) -> int:
        return n

    engine = engine_of(workflow_of(first, second))
    run = engine.start("race")
    seen = []

    class Slow:
        def step_ended(self, claim, status, error):
            if claim.step_id == "first":
                end_lease(run.id, "second")
                engine.heartbeat.beat_once()
                seen.append(STORE.sweep(limit=10, resend_after=60.0).expired)

        def run_started(self, run_id, workflow_id):
            pass

        run_ended = run_created = lambda *_args: None

    engine.observer = Slow()
    engine.work(run.id)

    assert seen == [[]]


def test_a_run_inside_an_atomic_step_is_not_taken_for_lost():
    """The claims of a synchronous run inside an open transaction are nobody else's to see."""
    seen = []

    @step
    def inner(ctx: StepContext) -> None:
        seen.append(leases_of(engine) & {lease_of(ctx.run_id, "inner")})

    child = workflow_of(inner, name="child")

    @step(atomic=True)
    def outer() -> None:
        engine.start("child", None, synchronous())

    engine = engine_of(workflow_of(outer, name="parent"), child)
    run = engine.start("parent")
    engine.work(run.id)

    assert run.refresh().status is RunStatus.COMPLETED
    assert seen == [set()]


def test_a_step_after_an_atomic_one_with_a_run_inside_has_its_lease_renewed():
    seen = []

    @step(atomic=True)
    def inner() -> None:
        pass

    child = workflow_of(inner, name="child")

    @step(atomic=True)
    def outer() -> None:
        engine.start("child", None, synchronous())

    @step
    def after(ctx: StepContext) -> None:
        seen.append(lease_of(ctx.run_id, "after") in leases_of(engine))

    engine = engine_of(workflow_of(outer, after, name="parent"), child)
    run = engine.start("parent")
    engine.work(run.id)

    assert run.refresh().status is RunStatus.COMPLETED
    assert seen == [True]


def synchronous():
    return StartOptions(synchronous=True)


def test_a_heartbeat_between_the_look_and_the_write_of_a_sweep_leaves_no_false_record(
    monkeypatch,
):
    run_id, claimed = held_step()
    end_lease(run_id, "a")
    (expired,) = STORE.sweep(limit=10, resend_after=60.0).expired
    record = finishing.record_attempts

    def record_and_beat(*args, **changes):
        record(*args, **changes)
        if is_postgresql():
            beats = Act(STORE.heartbeat, {claimed.lease: None}, 60.0)
            wait_until_blocked(beats)

    monkeypatch.setattr(finishing, "record_attempts", record_and_beat)
    lost = STORE.finish(expired, planner_of(CHAIN).lost(expired), None)
    (found,) = [each for each in STORE.get_steps(run_id, attempts=True) if each.step_id == "a"]

    if lost.accepted:
        assert found.status is StepStatus.RETRYING
    else:
        assert [each.status for each in found.attempts] == [StepStatus.RUNNING]
