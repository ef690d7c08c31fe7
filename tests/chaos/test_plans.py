"""A seed says all: what is started, what is struck, and what becomes of messages."""

import random
from types import SimpleNamespace

from chaos.expectations import WORKFLOWS
from chaos.plans import KILLS, Blow, plan, strikes
from chaos.transport import Fate, Meddler, Mischief


def test_a_seed_gives_the_same_plan_and_another_one_another():
    def plans(seed):
        return [plan(seed, number, runs=50, seconds=60) for number in range(50)]

    assert plans(1) == plans(1)
    assert plans(1) != plans(2)


def test_hundreds_of_runs_are_of_every_workflow():
    found = {plan(1, number, runs=300, seconds=60).workflow_id for number in range(300)}

    assert found == set(WORKFLOWS)


def test_every_outage_comes_once_and_kills_every_few_seconds():
    found = [strike.blow for strike in strikes(1, 300)]

    outages = (Blow.FLUSH, Blow.RESTART_BROKER, Blow.RESTART_DATABASE, Blow.CRASH_DATABASE)
    assert [found.count(blow) for blow in outages] == [1, 1, 1, 1]
    assert set(KILLS) <= set(found)
    assert 60 < sum(blow in KILLS for blow in found) < 240


def test_messages_are_dropped_doubled_and_delayed_as_often_as_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("GORKFLOW_CHAOS_DIRECTORY", str(tmp_path))
    sent, later = [], []
    meddler = Meddler(
        Mischief(drop=0.2, double=0.2, delay=0.2), lambda _seconds, act: later.append(act)
    )
    for number in range(500):
        meddler.publish(number, sent.append, sent.append)
    for act in later:
        act()

    fates = (tmp_path / "messages.jsonl").read_text()
    counts = {fate: fates.count(f'"{fate}"') for fate in Fate}
    assert sum(counts.values()) == 500
    assert all(60 < counts[fate] < 140 for fate in (Fate.DROPPED, Fate.DOUBLED, Fate.DELAYED))
    assert len(sent) == 500 - counts[Fate.DROPPED] + counts[Fate.DOUBLED]
    assert len(later) == counts[Fate.DELAYED]


def test_without_mischief_everything_is_sent_at_once():
    calm = Mischief(drop=0, double=0, delay=0)

    assert {calm.fate(random.Random(seed)) for seed in range(50)} == {Fate.SENT}


def test_a_worker_that_ends_long_after_any_blow_has_no_excuse(monkeypatch, tmp_path):
    from chaos.striking import Striker

    monkeypatch.setenv("GORKFLOW_CHAOS_DIRECTORY", str(tmp_path))
    striker = Striker(1, workers=(), starters=(), database=None, broker=None)
    calm = SimpleNamespace(name="worker-0", hit=float("-inf"))

    assert not striker.excuses(calm)
