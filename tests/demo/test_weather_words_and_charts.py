import datetime as dt

import pytest

from demo_project.weather.charts import Range, column_chart, nice_ticks, row_chart
from demo_project.weather.report import counted, span


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        ((2015, 7, 5), (2015, 7, 5), "5 July 2015"),
        ((2015, 7, 5), (2015, 7, 8), "5 to 8 July 2015"),
        ((2015, 6, 30), (2015, 7, 2), "30 June to 2 July 2015"),
        ((2014, 12, 30), (2015, 1, 2), "30 December 2014 to 2 January 2015"),
    ],
)
def test_a_span_says_nothing_twice(first, last, text):
    assert span(dt.date(*first), dt.date(*last)) == text


def test_one_is_singular():
    assert [counted(n, "day") for n in (0, 1, 1461)] == ["0 days", "1 day", "1,461 days"]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0, 0], [0, 1]),
        ([3, 180], [0, 50, 100, 150, 200]),
        ([-7, 35], [-10, 0, 10, 20, 30, 40]),
        ([-7, -3], [-8, -6, -4, -2, 0]),
        ([0.02, 0.11], [0, 0.05, 0.1, 0.15]),
    ],
)
def test_ticks_are_round_and_span_the_values_and_zero(values, ticks):
    assert nice_ticks(values) == ticks


def test_every_column_lies_inside_the_drawing():
    ranges = [
        Range(name=str(n), low=-n, high=n, least=-2 * n, most=3 * n, title="") for n in range(12)
    ]
    chart = column_chart("c", title="", description="", kind="k", ranges=ranges)

    for bar in chart.bars:
        assert 0 <= float(bar.x) <= chart.width - float(bar.width)
        assert 0 <= float(bar.y) <= chart.height - float(bar.height)
        assert float(bar.height) >= 1, "a value of zero is still to be seen"


def test_a_chart_without_rows_draws_nothing_and_does_not_fail():
    assert row_chart("c", title="", description="", rows=[]).bars == ()
