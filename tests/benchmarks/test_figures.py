"""The arithmetic of the benchmarks."""

import pytest

from benchmarks.figures import (
    Figure,
    Raw,
    Sample,
    Samples,
    Spread,
    difference,
    measures_of,
    percentile,
    ratio,
)
from benchmarks.targets import TARGETS, Target

OURS = Figure("ours", "chain")
PEER = Figure("peer", "chain")


def samples(ours, peer):
    """Return steps per second of both by round; None is a round without a figure."""
    found = Samples()
    for system, values in (("ours", ours), ("peer", peer)):
        for number, value in enumerate(values, 1):
            if value is not None:
                found.add(Sample(number, "chain", system, {"steps_per_s": value}))
    return found


def test_percentiles_are_interpolated():
    assert percentile([40, 10, 30, 20], 0.5) == 25
    assert percentile(range(101), 0.95) == 95
    assert percentile([7], 0.95) == 7


def test_ratios_are_taken_within_a_round_and_not_of_medians():
    found = samples(ours=[100, 300, 900], peer=[50, 100, 100])

    assert found.paired(OURS, PEER, ratio) == Spread(median=3, low=2, high=9)


def test_a_round_that_only_one_side_has_counts_for_nothing():
    found = samples(ours=[100, 300, None], peer=[None, 100, 100])

    assert found.paired(OURS, PEER, ratio) == Spread(3, 3, 3)


def test_what_nobody_measured_has_no_figure():
    found = samples(ours=[100], peer=[])

    assert found.paired(OURS, PEER, ratio) is None
    assert found.spread(PEER) is None
    assert found.spread(Figure("ours", "chain", "p50_ms")) is None


def test_processes_that_run_side_by_side_add_their_work_and_not_their_time():
    parts = [
        Raw(steps=100, seconds=2.0, latencies_ms=[1, 2]),
        Raw(steps=300, seconds=4.0, latencies_ms=[3]),
    ]

    assert measures_of(parts) == {"steps_per_s": 100, "p50_ms": 2, "p95_ms": pytest.approx(2.9)}


def test_plain_values_pass_through():
    assert measures_of([Raw(values={"after_mb": 53.5})]) == {"after_mb": 53.5}


@pytest.mark.parametrize(
    ("value", "verdict"), [(2.4, "MISSED"), (2.5, "at least"), (3.9, "at least"), (4.0, "aim")]
)
def test_a_verdict_where_more_is_better(value, verdict):
    assert Target("t", OURS, PEER, at_least=2.5, aim=4).verdict(value) == verdict


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.5, "aim"), (0.6, "at least"), (0.7, "at least"), (0.71, "MISSED")]
)
def test_a_verdict_where_less_is_better(value, verdict):
    target = Target("t", OURS, PEER, at_least=0.7, aim=0.5, lower_is_better=True)

    assert target.verdict(value) == verdict


def test_a_target_may_be_a_difference_or_a_value_of_our_own():
    found = samples(ours=[60, 62], peer=[50, 50])

    assert Target("t", OURS, PEER, 15, 8, join=difference).measured(found) == Spread(11, 10, 12)
    assert Target("t", OURS, None, 15, 8).measured(found) == Spread(61, 60, 62)


def test_every_target_names_systems_and_workloads_that_there_are():
    from benchmarks.catalogue import SYSTEMS
    from benchmarks.workloads import BY_NAME

    systems = {each.name: each for each in SYSTEMS}
    for target in TARGETS:
        for figure in filter(None, (target.ours, target.other)):
            assert figure.workload in BY_NAME
            assert systems[figure.system].wants(figure.workload)
