"""Properties of every timeline, whatever happened when."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from gorkflow.diagrams import Mark, timeline_of, timeline_svg
from gorkflow.diagrams.timeline import CHART_WIDTH, LABEL_WIDTH, MAX_ROWS, MIN_BAR
from gorkflow.diagrams.timeline_svg import tick_text
from gorkflow.diagrams.timescale import Scale
from gorkflow.records import AttemptRecord, StepRecord
from gorkflow.statuses import StepStatus

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
RUN = UUID(int=1)


def at(seconds):
    return BEGIN + timedelta(seconds=seconds)


def attempt(number, queued, started, ended, status=StepStatus.COMPLETED):
    return AttemptRecord(
        number=number,
        status=status,
        worker="w",
        queued_at=None if queued is None else at(queued),
        started_at=None if started is None else at(started),
        ended_at=None if ended is None else at(ended),
    )


def step(position, *attempts, status=StepStatus.COMPLETED):
    return StepRecord(
        run_id=RUN,
        step_id=f"s{position}",
        name=f"Step {position}",
        position=position,
        status=status,
        attempts=attempts,
    )


moments = st.floats(0, 1e6)


@st.composite
def steps(draw):
    found = []
    for position in range(draw(st.integers(0, 8))):
        attempts = []
        for number in range(1, 1 + draw(st.integers(0, 3))):
            queued, started, ended = sorted(draw(st.tuples(moments, moments, moments)))
            is_over = draw(st.booleans())
            attempts.append(attempt(number, queued, started, ended if is_over else None))
        found.append(step(position, *attempts))
    return found


@given(steps(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_every_bar_is_within_the_chart_and_rows_do_not_overlap(records, is_over):
    timeline = timeline_of(records, BEGIN, at(1e6) if is_over else None, at(1e6))

    for row in timeline.rows:
        for bar in row.bars:
            assert bar.x >= LABEL_WIDTH - 0.01
            assert bar.x + bar.width <= LABEL_WIDTH + CHART_WIDTH + MIN_BAR + 0.01
            assert bar.width >= (MIN_BAR if bar.status else 0)
    tops = [row.y for row in timeline.rows]
    assert tops == sorted(set(tops))


@given(steps())
@settings(max_examples=80, deadline=None)
def test_rows_are_sorted_by_their_first_start(records):
    timeline = timeline_of(records, BEGIN, None, at(1e6))

    starts = [min(each.started_at for each in row.step.attempts) for row in timeline.rows]
    assert starts == sorted(starts)
    assert len(starts) == sum(bool(record.attempts) for record in records)


@given(
    st.lists(st.tuples(moments, moments), max_size=10),
    st.lists(moments, min_size=2),
    st.floats(0.01, 1e6),
)
@settings(max_examples=150, deadline=None)
def test_later_is_never_further_left(pairs, asked, end):
    busy = [(at(min(pair)), at(max(pair))) for pair in pairs]
    scale = Scale(BEGIN, at(end), busy, 500.0)

    places = [scale.x(at(each)) for each in sorted(asked)]

    assert all(one <= other + 1e-6 for one, other in pairwise(places))
    assert all(-1e-6 <= place <= 500.001 for place in places)
    assert abs(scale.x(at(end)) - 500.0) < 0.01
    ticks = [x for x, _passed in scale.ticks()]
    assert ticks == sorted(ticks)
    assert 0 < len(ticks) < 40


def test_a_retry_days_later_does_not_press_the_rest_together():
    day = 86400
    records = [step(0, attempt(1, 0, 1, 10, StepStatus.FAILED), attempt(2, day, day + 1, day + 10))]

    timeline = timeline_of(records, BEGIN, at(day + 10), at(2 * day))

    first = next(bar for bar in timeline.rows[0].bars if bar.status)
    assert first.width > CHART_WIDTH / 3
    assert len(timeline.cuts) == 1


def test_a_waiting_attempt_is_shown_as_waiting_before_it_is_shown_as_running():
    records = [step(0, attempt(1, 0, 4, 8), status=StepStatus.COMPLETED)]

    (row,) = timeline_of(records, BEGIN, at(8), at(8)).rows

    queued, worked = row.bars
    assert (queued.status, worked.status) == ("", "COMPLETED")
    assert abs(queued.x + queued.width - worked.x) < 0.01


def test_a_run_under_way_has_a_line_where_now_is_and_an_ended_one_has_none():
    running = [step(0, attempt(1, 0, 1, None, StepStatus.RUNNING), status=StepStatus.RUNNING)]

    under_way = timeline_of(running, BEGIN, None, at(10))
    ended = timeline_of(running, BEGIN, at(10), at(20))

    assert under_way.now == LABEL_WIDTH + CHART_WIDTH
    assert ended.now is None
    assert abs(under_way.rows[0].bars[-1].width - CHART_WIDTH * 0.9) < 0.1


def test_a_run_that_has_not_begun_has_an_empty_timeline():
    timeline = timeline_of([step(0)], BEGIN, None, BEGIN)

    assert timeline.rows == []
    assert timeline.left_out == 0


def test_of_very_many_steps_the_first_are_shown_and_the_rest_counted():
    records = [step(index, attempt(1, 0, index, index + 1)) for index in range(MAX_ROWS + 7)]

    timeline = timeline_of(records, BEGIN, at(400), at(400))

    assert len(timeline.rows) == MAX_ROWS
    assert timeline.left_out == 7


@given(steps(), st.text())
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_on_it_a_timeline_is_well_formed(records, text):
    timeline = timeline_of(records, BEGIN, None, at(1e6))
    mark = Mark(name=text, status="FAILED", title=text, href=text, key=text)

    svg = timeline_svg(timeline, lambda _row: mark, lambda _row, _bar: text, label=text)

    ET.fromstring(svg)
    assert " style=" not in svg


def test_ticks_are_read_as_lengths_of_time():
    lengths = (0, 0.25, 1.5, 30, 125, 3725, 3 * 86400)

    assert [tick_text(timedelta(seconds=each)) for each in lengths] == [
        "0 s", "250 ms", "1.5 s", "30 s", "2:05", "1:02:05", "3 d 0:00:00",
    ]  # fmt: skip
