"""What the benchmarks print, draw and leave behind, from made-up figures."""

import json
from xml.etree import ElementTree as ET

import pytest

from benchmarks import chart, report
from benchmarks.__main__ import main
from benchmarks.catalogue import chosen
from benchmarks.figures import Sample, Samples, Spread
from benchmarks.runner import Outcome, Plan, rotated
from benchmarks.workloads import BY_NAME

SVG = "{http://www.w3.org/2000/svg}"
PLAN = Plan(systems=[], workloads=[BY_NAME["chain"]], rounds=2, quick=False)


@pytest.fixture
def outcome():
    rates = {"ours-redis": [1000, 1200], "celery-redis": [250, 200], "dbos": [200, 200]}
    found = Samples(
        Sample(number, "chain", system, {"steps_per_s": value, "p50_ms": 10_000 / value})
        for system, values in rates.items()
        for number, value in enumerate(values, 1)
    )
    about = {"title": "A & B", "versions": "1", "settings": "all on", "durability": "full"}
    return Outcome(samples=found, about={"ours-redis": about}, skipped={"bare": "no Redis"})


def test_the_report_names_systems_figures_targets_and_what_was_skipped(outcome):
    text = report.text(outcome, PLAN)

    assert "durability: full" in text
    assert "1,100 (1,000-1,200)" in text
    assert "10-step chain, one run at a time, against celery-redis" in text
    assert "5.00 (4.00-6.00)" in text
    assert "bare: no Redis" in text
    assert "FAILED" not in text


def test_a_failure_is_in_the_report(outcome):
    outcome.failed.append("dbos, chain, round 1: no answer")

    assert "FAILED\n  dbos, chain, round 1: no answer" in report.text(outcome, PLAN)


def test_targets_that_were_not_measured_are_left_out_of_the_table(outcome):
    assert "RSS" not in report.text(outcome, PLAN)
    assert "memory" not in report.text(outcome, PLAN)


def test_the_json_has_every_sample_and_every_target(outcome):
    found = json.loads(json.dumps(report.as_json(outcome, PLAN, {"cores": 2})))

    assert len(found["samples"]) == 6
    assert found["samples"][0]["measures"] == {"steps_per_s": 1000, "p50_ms": 10}
    measured = [each for each in found["targets"] if each["median"] is not None]
    assert [each["verdict"] for each in measured] == ["aim", "aim"]


def test_columns_are_as_wide_as_their_widest_cell():
    assert report.table([["", "x"], ["long", "1"], ["a", "23"]]) == (
        "         x\n  long   1\n  a     23"
    )


def test_bars_are_as_long_as_their_figures(outcome):
    groups = chart.groups_of(outcome.samples)
    root = ET.fromstring(chart.draw(groups, "2 cores & more"))
    widths = [float(each.get("width")) for each in root.iter(f"{SVG}rect")]

    assert groups[0].bars[0].label == "gorkflow, PostgreSQL + Redis"
    assert widths[0] / widths[1] == pytest.approx(1100 / 225, rel=0.01)
    assert "2 cores & more" in [each.text for each in root.iter(f"{SVG}text")]
    assert "prefers-color-scheme: dark" in root.find(f"{SVG}style").text


def test_everything_that_is_drawn_lies_in_the_picture():
    wide = Spread(5000, 100, 9_999_999)
    group = chart.Group("t", [chart.Bar(max(chart.LABELS.values(), key=len), wide, ours=True)])
    root = ET.fromstring(chart.draw([group], ""))
    width, height = (float(root.get(each)) for each in ("width", "height"))

    for text in root.iter(f"{SVG}text"):
        assert float(text.get("y")) < height
        if text.get("text-anchor") == "end":
            assert float(text.get("x")) > 7.5 * len(text.text)
        else:
            assert float(text.get("x")) + 8 * len(text.text or "") < width + 8
    for line in root.iter(f"{SVG}line"):
        assert float(line.get("x2")) < width


def test_another_system_begins_each_time():
    assert [rotated("abc", each)[0] for each in range(4)] == ["a", "b", "c", "a"]
    assert rotated([], 3) == []


def test_a_family_name_chooses_all_of_it():
    assert [each.name for each in chosen(["dbos"], history=False)] == [
        "dbos", "dbos-two", "dbos-sqlite", "dbos-sqlite-two",
    ]  # fmt: skip
    assert [each.name for each in chosen(["dbos-two"], history=False)] == ["dbos-two"]
    assert not any(each.history for each in chosen([], history=False))
    assert any(each.history for each in chosen(["ours"], history=True))


@pytest.mark.parametrize("wrong", [["--only", "chains"], ["--systems", "airflow"]])
def test_an_unknown_name_is_refused_with_those_that_there_are(wrong, capsys):
    assert main(wrong) == 2
    assert "there are" in capsys.readouterr().err


def test_the_list_needs_no_server(capsys):
    assert main(["--list"]) == 0
    assert "fanout" in capsys.readouterr().out
