"""Dates and times: plain SQL has to say what Django's own functions for SQLite say."""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from django.db import NotSupportedError, connections
from django.db.models import DurationField, ExpressionWrapper, F, Max, Value
from django.db.models.functions import Extract, Now, Trunc, TruncDate, TruncTime

from tests.libsql.models import Moment

ZONES = ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe"]
MOMENTS = [
    datetime(2026, 3, 29, 0, 59, 59, 999999, UTC),  # the last second of winter in Berlin
    datetime(2026, 3, 29, 1, 0, 0, 0, UTC),
    datetime(2026, 10, 25, 0, 59, 59, 0, UTC),
    datetime(2026, 10, 25, 1, 0, 0, 1, UTC),
    datetime(2024, 2, 29, 23, 59, 59, 999500, UTC),
    datetime(2020, 12, 31, 23, 30, 0, 0, UTC),  # week 53
    datetime(2021, 1, 3, 12, 0, 0, 0, UTC),  # a Sunday of the year before, by its week
    datetime(2019, 12, 30, 0, 0, 0, 0, UTC),  # a Monday of the year after
    datetime(1970, 1, 1, 0, 0, 0, 0, UTC),
    datetime(1999, 7, 4, 5, 6, 7, 80000, UTC),
    datetime(2060, 6, 1, 12, 0, 0, 0, UTC),
]
DAYS = ["year", "iso_year", "quarter", "month", "week", "day", "week_day", "iso_week_day"]
CLOCKS = ["hour", "minute", "second"]


@pytest.fixture
def both(libsql, attach, tmp_path):
    """Return a function that gets a query's values from libSQL and from SQLite."""
    del libsql
    attach(None, alias="sqlite", ENGINE="django.db.backends.sqlite3", NAME=tmp_path / "sqlite3")
    for alias in ("libsql", "sqlite"):
        Moment.objects.using(alias).bulk_create(
            [
                *(
                    Moment(
                        at=at,
                        on=at.date(),
                        clock=at.time(),
                        lasted=timedelta(hours=number, microseconds=-number),
                    )
                    for number, at in enumerate(MOMENTS)
                ),
                Moment(),
            ]
        )

    def ask(query):
        return [list(query(Moment.objects.using(alias))) for alias in ("libsql", "sqlite")]

    return ask


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("part", [*DAYS, *CLOCKS])
def test_parts_of_a_moment(both, zone, part):
    ours, theirs = both(
        lambda moments: moments.order_by("pk").values_list(
            Extract("at", part, tzinfo=zoneinfo.ZoneInfo(zone))
        )
    )
    assert ours == theirs


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("kind", ["year", "quarter", "month", "week", "day", *CLOCKS])
def test_moments_are_cut(both, zone, kind):
    in_zone = {"tzinfo": zoneinfo.ZoneInfo(zone)}
    ours, theirs = both(
        lambda moments: (
            moments.order_by("pk")
            # An hour that there is twice or never has no one answer.
            .exclude(at__year=2026)
            .values_list(
                Trunc("at", kind, **in_zone), TruncDate("at", **in_zone), TruncTime("at", **in_zone)
            )
        )
    )
    assert ours == theirs


def test_dates_and_clocks(both):
    for part in DAYS:
        ours, theirs = both(lambda moments: moments.order_by("pk").values_list(Extract("on", part)))  # noqa: B023
        assert ours == theirs, part
    for kind in ("year", "quarter", "month", "week", "day"):
        ours, theirs = both(lambda moments: moments.order_by("pk").values_list(Trunc("on", kind)))  # noqa: B023
        assert ours == theirs, kind
    for part in CLOCKS:
        ours, theirs = both(
            lambda moments: moments.order_by("pk").values_list(
                Extract("clock", part),  # noqa: B023
                Trunc("clock", part),  # noqa: B023
            )
        )
        assert ours == theirs, part


def test_differences(both):
    ours, theirs = both(
        lambda moments: moments.order_by("pk").values_list(
            ExpressionWrapper(F("at") - MOMENTS[4], DurationField()),
            ExpressionWrapper(F("on") - date(2024, 2, 28), DurationField()),
            ExpressionWrapper(F("clock") - time(5, 6, 7, 89), DurationField()),
        )
    )
    assert ours == theirs


def test_moments_that_are_moved(both):
    ours, theirs = both(
        lambda moments: moments.order_by("pk").values_list(
            F("at") + F("lasted"),
            F("at") - F("lasted"),
            F("at") + Value(timedelta(days=400, microseconds=1)),
            ExpressionWrapper(F("lasted") * 2, DurationField()),
            ExpressionWrapper(F("lasted") / 2, DurationField()),
        )
    )
    assert ours == theirs


def test_they_can_be_filtered_grouped_and_aggregated(both):
    for query in (
        lambda moments: moments.filter(at__date=date(2024, 2, 29)).values_list("pk"),
        lambda moments: moments.filter(at__year__gte=2024, at__month=10).values_list("pk"),
        lambda moments: moments.filter(clock__hour=5).values_list("pk"),
        lambda moments: moments.datetimes("at", "month", tzinfo=UTC),
        lambda moments: moments.dates("on", "week"),
        lambda moments: moments.values(y=Extract("at", "year")).annotate(m=Max("at")).order_by("y"),
        lambda moments: moments.filter(at__lt=Now()).order_by("pk").values_list("at"),
        lambda moments: [moments.aggregate(last=TruncDate(Max("at")))],
    ):
        ours, theirs = both(query)
        assert len(ours) > 0
        assert [strip(each) for each in ours] == [strip(each) for each in theirs]


def strip(value):
    """Primary keys are given out anew on each server."""
    return value if not (isinstance(value, tuple) and isinstance(value[0], int)) else "a row"


@pytest.mark.parametrize("hours", [5.5, -3])
def test_zones_may_be_fixed_differences(both, hours):
    zone = timezone(timedelta(hours=hours))
    ours, theirs = both(
        lambda moments: moments.order_by("pk").values_list(
            Extract("at", "hour", tzinfo=zone), TruncDate("at", tzinfo=zone)
        )
    )
    assert ours == theirs


def test_what_cannot_be_converted_is_refused(attach, shared_server):
    attach(shared_server, TIME_ZONE="Europe/Berlin")
    rome = zoneinfo.ZoneInfo("Europe/Rome")

    with pytest.raises(NotSupportedError, match="TIME_ZONE other than UTC"):
        list(Moment.objects.using("libsql").values_list(Extract("at", "hour", tzinfo=rome)))
    with pytest.raises(ValueError, match="Unsupported lookup type: 'nonsense'"):
        connections["libsql"].ops.date_extract_sql("nonsense", "x", ())
