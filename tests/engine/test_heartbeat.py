"""Leases are renewed while their step runs, and the thread that does it goes when idle."""

import threading

import pytest

from gorkflow.engine import heartbeat
from gorkflow.engine.heartbeat import Beat, Heartbeat
from gorkflow.stores.memory import MemoryStore
from gorkflow.testing.contracts.kit import CHAIN, new_run, taker

WAIT = 10


class WatchedBeat(Beat):
    """Tells when it is lost."""

    def __init__(self, *what, **options):
        super().__init__(*what, **options)
        self.seen_lost = threading.Event()

    def lose(self):
        super().lose()
        self.seen_lost.set()


class Watched(MemoryStore):
    """Tells when it is used."""

    def __init__(self):
        super().__init__()
        self.beaten = threading.Semaphore(0)
        self.released = threading.Event()

    def heartbeat(self, beats, lease):
        held = super().heartbeat(beats, lease)
        self.beaten.release()
        return held

    def release(self):
        self.released.set()


@pytest.fixture
def store():
    return Watched()


@pytest.fixture
def claim(store):
    record, _ = store.create_run(new_run(CHAIN))
    return store.claim(record.id, taker())


@pytest.fixture
def pulse(store, monkeypatch):
    monkeypatch.setattr(heartbeat, "IDLE_SECONDS", 0.05)
    monkeypatch.setattr(heartbeat, "PROGRESS_SECONDS", 0.01)
    return Heartbeat(store, lease=30, interval=0.01)


def test_a_held_lease_is_renewed_until_it_is_removed(store, claim, pulse):
    beat = Beat(claim.lease)

    pulse.add(beat)
    assert store.beaten.acquire(timeout=WAIT)
    assert store.beaten.acquire(timeout=WAIT)
    pulse.remove(beat)

    assert not beat.is_lost
    assert store.released.wait(WAIT)


def test_a_lease_added_while_the_thread_idles_is_renewed_as_soon(store, claim, pulse):
    pulse.add(Beat(claim.lease))
    assert store.beaten.acquire(timeout=WAIT)
    other = store.claim(store.create_run(new_run(CHAIN))[0].id, taker())

    pulse.add(Beat(other.lease))

    assert store.beaten.acquire(timeout=WAIT)


def test_a_lease_that_is_gone_is_marked_lost(store, claim, pulse):
    from gorkflow.errors import ErrorCode
    from gorkflow.records import ErrorInfo
    from gorkflow.statuses import RunStatus

    cancelled = ErrorInfo(code=ErrorCode.CANCELLED, message="")
    store.end_run(claim.run_id, RunStatus.CANCELLED, cancelled)
    beat = WatchedBeat(claim.lease)

    pulse.add(beat)

    assert beat.seen_lost.wait(WAIT)
    assert beat.is_lost


def test_progress_is_stored_with_the_next_beat(store, claim):
    pulse = Heartbeat(store, lease=30, interval=1000)
    beat = Beat(claim.lease)
    pulse.add(beat)

    beat.report(0.25, "one of four")
    pulse.nudge()

    assert store.beaten.acquire(timeout=WAIT)
    (step,) = store.get_steps(claim.run_id)
    assert (step.progress, step.progress_note) == (0.25, "one of four")


def test_a_store_that_is_away_for_a_moment_loses_no_lease(store, claim, pulse, monkeypatch):
    calls = []
    real = store.heartbeat

    def flaky(beats, lease):
        calls.append(1)
        if len(calls) == 1:
            raise OSError("away")
        return real(beats, lease)

    monkeypatch.setattr(store, "heartbeat", flaky)
    beat = Beat(claim.lease)

    pulse.add(beat)

    assert store.beaten.acquire(timeout=WAIT)
    assert not beat.is_lost


def test_an_attempt_beyond_its_time_is_no_longer_kept(store, claim, pulse):
    beat = WatchedBeat(claim.lease, seconds=0)

    pulse.add(beat)

    assert beat.seen_lost.wait(WAIT)
    assert not store.beaten.acquire(blocking=False)


def test_a_note_is_cut_to_what_the_column_takes(claim):
    beat = Beat(claim.lease)

    beat.report(1.0, "x" * 300)

    assert beat.take() == (1.0, "x" * 200)
