import pytest

from demo_project.weather import rows
from demo_project.weather.rows import WeatherFileError, parse, read_rows

HEADER = b"date,precipitation,temp_max,temp_min,wind,weather\n"
GOOD = b"2012/01/01,0.0,12.8,5.0,4.7,drizzle\n"


def bad_rows_of(body, header=HEADER):
    return [(bad.line, bad.reason) for bad in parse(header + body, source="w.csv").bad_rows]


def test_a_good_row_is_read_with_its_units_kept():
    found = parse(HEADER + GOOD, source="w.csv")

    assert found.source == "w.csv"
    assert found.bad_row_count == 0
    (day,) = found.days
    assert day.date.isoformat() == "2012-01-01"
    assert day[1:] == (0.0, 12.8, 5.0, 4.7, "drizzle")


def test_every_row_of_the_seattle_file_is_good():
    from demo_project.weather import files

    path = files.locate("seattle-weather.csv", [files.Path(rows.__file__).parent / "data"])
    found = read_rows(path)

    assert (len(found.days), found.bad_row_count) == (1461, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"2012/02/30,0,1,0,1,sun", "date: should be a day such as 2012/01/31"),
        (b"yesterday,0,1,0,1,sun", "date: should be a day"),
        (b"2012/02/03,-1,1,0,1,sun", "precipitation: Input should be greater than or equal to 0"),
        (b"2012/02/03,much,1,0,1,sun", "precipitation: Input should be a valid number"),
        (b"2012/02/03,0,nan,0,1,sun", "temp_max: Input should be"),
        (b"2012/02/03,0,1e400,0,1,sun", "temp_max: Input should be"),
        (b"2012/02/03,0,1,2,1,sun", "temp_min 2 is above temp_max 1"),
        (b"2012/02/03,0,1,0,1,", "weather: String should have at least 1 character"),
        (b"2012/02/03,0,1,0", "has 4 columns, not 6"),
        (b"\xff\xfe,0,1,0,1,sun", "is not UTF-8 text"),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_reason(row, reason):
    ((line, why),) = bad_rows_of(GOOD + b"\n" + row + b"\n" + GOOD.replace(b"/01,", b"/02,"))

    assert line == 4, "blank lines count, as they do in an editor"
    assert reason in why


def test_a_date_that_came_before_is_a_bad_row_and_names_the_first_line():
    assert bad_rows_of(GOOD + GOOD) == [(3, "2012-01-01 was already on line 2")]


def test_an_open_quote_spoils_its_own_line_only():
    found = parse(HEADER + b'2012/01/05,"0,1,0,1,sun\n' + GOOD, source="w.csv")

    assert [bad.line for bad in found.bad_rows] == [2]
    assert len(found.days) == 1


def test_days_are_put_in_order():
    found = parse(HEADER + GOOD.replace(b"/01,", b"/09,") + GOOD, source="w.csv")

    assert [day.date.day for day in found.days] == [1, 9]


def test_columns_may_come_in_any_order_with_others_between_and_a_byte_order_mark():
    header = b"\xef\xbb\xbfStation,Weather,wind,temp_min,temp_max,precipitation,DATE\r\n"
    found = parse(header + b"KSEA,rain,2,1,9,0.5,2020-03-04\r\n", source="w.csv")

    assert found.days[0] == (found.days[0].date, 0.5, 9.0, 1.0, 2.0, "rain")


def test_bad_rows_beyond_the_limit_are_counted(monkeypatch):
    monkeypatch.setattr(rows, "MAX_BAD_ROWS_KEPT", 2)
    found = parse(HEADER + GOOD + b"x\n" * 5, source="w.csv")

    assert (len(found.bad_rows), found.bad_row_count) == (2, 5)


def test_a_long_bad_row_is_cut():
    found = parse(HEADER + GOOD + b"x" * 10_000 + b"\n", source="w.csv")

    assert len(found.bad_rows[0].text) == rows.MAX_TEXT_KEPT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "w.csv is empty"),
        (b"\n \n", "w.csv is empty"),
        (b"a,b\n1,2\n", "lacks date, precipitation, temp_max, temp_min, wind, weather"),
        (HEADER.replace(b"wind", b"gust") + GOOD, "lacks wind; the first line should be: date,"),
        (b"\xff\xfed\x00a\x00", "does not begin with a CSV header: is not UTF-8 text"),
        (HEADER, "has a header but no rows"),
        (HEADER + b"x\n", "has no good row; line 2: has 1 columns, not 6"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(content, message):
    with pytest.raises(WeatherFileError, match=r"w\.csv") as caught:
        parse(content, source="w.csv")

    assert message in str(caught.value)


def test_a_missing_file_is_named_without_its_directory(tmp_path):
    with pytest.raises(WeatherFileError, match=r"^there is no file gone\.csv$"):
        read_rows(tmp_path / "gone.csv")


def test_a_directory_is_refused(tmp_path):
    with pytest.raises(WeatherFileError, match="cannot be read"):
        read_rows(tmp_path)


def test_too_large_a_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MAX_BYTES", 10)
    (tmp_path / "w.csv").write_bytes(HEADER)

    with pytest.raises(WeatherFileError, match=r"at most 10 are read"):
        read_rows(tmp_path / "w.csv")


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(rows, "MAX_ROWS", 1)

    with pytest.raises(WeatherFileError, match="has 2 rows; at most 1 are read"):
        parse(HEADER + GOOD + GOOD, source="w.csv")
