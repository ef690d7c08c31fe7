"""The raw floor makes the changes that it says it makes, both ways."""

import pytest

from benchmarks.workloads import Size


@pytest.fixture
def floor(tmp_path, monkeypatch):
    from benchmarks.drivers import floor as module

    monkeypatch.setattr(module, "URL", f"sqlite:///{tmp_path}/floor.sqlite3")
    made = module.SqliteFloor()
    yield made
    made.close()


@pytest.mark.parametrize("kind", ["statement", "transaction"])
def test_each_change_ends_one_row_and_begins_the_next(floor, kind):
    raw = floor.perform(kind, Size(10, 1))
    rows = floor._connection.execute(
        "SELECT position, status, output, token IS NULL, attempt FROM floor_step"
        " WHERE position BETWEEN 1 AND 11 ORDER BY position"
    ).fetchall()

    assert raw.steps == 10
    assert rows[:9] == [(each, "COMPLETED", "1", 1, 1) for each in range(1, 10)]
    assert rows[9] == (10, "RUNNING", None, 0, 1)
    assert rows[10] == (11, "PENDING", None, 1, 0)
