import datetime as dt

import pytest

from demo_project.weather import analysis
from demo_project.weather.rows import Day

FIRST = dt.date(2020, 7, 1)


def days(*maxima, rain=0.0, wind=2.0, start=FIRST):
    """Days in a row; None leaves a gap."""
    return [
        Day(start + dt.timedelta(days=index), rain, maximum, maximum - 10, wind, "sun")
        for index, maximum in enumerate(maxima)
        if maximum is not None
    ]


def waves(*maxima, hot=30.0, least=3):
    found = analysis.extremes(days(*maxima), hot_celsius=hot, wave_days=least).heat_waves
    return [((wave.first_day - FIRST).days, wave.days, wave.peak) for wave in found]


@pytest.mark.parametrize(
    ("maxima", "expected"),
    [
        ((31, 32, 33, 20, 20), [(0, 3, 33)]),
        ((20, 20, 31, 34, 32), [(2, 3, 34)]),
        ((31, 31, 31), [(0, 3, 31)]),
        ((31, 31, 20, 31), []),
        ((31, 31, 20, 31, 31, 31, 31), [(3, 4, 31)]),
        ((31, 31, 31, 20, 35, 35, 35), [(0, 3, 31), (4, 3, 35)]),
        ((20, 20, 20), []),
    ],
)
def test_heat_waves_are_found_at_the_start_the_end_and_in_between(maxima, expected):
    assert waves(*maxima) == expected


def test_a_day_that_reaches_the_threshold_is_hot():
    assert waves(30.0, 30.0, 30.0) == [(0, 3, 30.0)]
    assert waves(30.0, 29.9, 30.0) == []


def test_a_missing_day_ends_a_heat_wave():
    assert waves(31, 31, None, 31) == []
    assert waves(31, 31, 31, None, 31, 31, 31) == [(0, 3, 31), (4, 3, 31)]


def test_one_hot_day_is_a_wave_if_asked_for():
    assert waves(31, 20, 31, least=1) == [(0, 1, 31), (2, 1, 31)]


def test_a_heat_wave_may_cross_the_turn_of_the_year():
    found = analysis.extremes(
        days(31, 31, 31, 31, start=dt.date(2020, 12, 30)), hot_celsius=30, wave_days=3
    )

    assert [(str(w.first_day), str(w.last_day)) for w in found.heat_waves] == [
        ("2020-12-30", "2021-01-02")
    ]


def test_of_equal_records_the_earliest_is_kept():
    hottest = analysis.extremes(days(20, 30, 30), hot_celsius=40, wave_days=3).records[0]

    assert (hottest.date, hottest.value) == (FIRST + dt.timedelta(days=1), 30)


def test_the_climate_counts_missing_days():
    climate = analysis.monthly_climate(days(20, None, None, 22), wet_day_mm=1.0)

    assert (climate.day_count, climate.missing_days) == (2, 2)
    (july,) = climate.months
    assert (july.month, july.mean_max, july.mean_min, july.record_max) == (7, 21.0, 11.0, 22)


def test_rain_of_a_month_is_the_mean_of_its_years():
    two_years = [
        *days(20, 20, rain=5.0),
        *days(20, 20, rain=15.0, start=dt.date(2021, 7, 1)),
    ]

    climate = analysis.monthly_climate(two_years, wet_day_mm=1.0)

    assert climate.months[0].mean_total_mm == 20.0
    assert climate.months[0].wet_days_share == 1.0


def test_a_day_is_wet_from_the_limit_on():
    found = analysis.rain_and_dry_spells(days(20, 20, rain=1.0), wet_day_mm=1.0)
    assert (found.wet_days, [s.days for s in found.longest_wet], found.longest_dry) == (2, [2], [])

    found = analysis.rain_and_dry_spells(days(20, 20, rain=0.9), wet_day_mm=1.0)
    assert (found.wet_days, found.longest_wet, [s.days for s in found.longest_dry]) == (0, [], [2])


def test_the_longest_spells_come_first_and_are_five_at_most():
    wet_then_dry = []
    start = FIRST
    for length in (1, 3, 2, 6, 5, 4, 7):
        wet_then_dry += days(*[20] * length, rain=2.0, start=start)
        wet_then_dry += days(20, rain=0.0, start=start + dt.timedelta(days=length))
        start += dt.timedelta(days=length + 1)

    found = analysis.rain_and_dry_spells(wet_then_dry, wet_day_mm=1.0)

    assert [(s.days, s.peak) for s in found.longest_wet] == [
        (7, 14.0), (6, 12.0), (5, 10.0), (4, 8.0), (3, 6.0)
    ]  # fmt: skip


def test_wind_forces_between_the_calmest_and_the_strongest_are_all_listed():
    found = analysis.wind([*days(20, 20, wind=0.1), *days(20, wind=9.0, start=dt.date(2021, 1, 1))])

    assert [(f.force, f.days) for f in found.forces] == [
        (0, 2), (1, 0), (2, 0), (3, 0), (4, 0), (5, 1)
    ]  # fmt: skip
    assert found.windiest.value == 9.0


@pytest.mark.parametrize(
    ("speed", "force"), [(0, 0), (0.49, 0), (0.5, 1), (5.4, 3), (5.5, 4), (32.7, 12), (150, 12)]
)
def test_beaufort_numbers(speed, force):
    assert analysis.beaufort(speed) == force
