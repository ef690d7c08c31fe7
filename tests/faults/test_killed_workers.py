"""Real workers that die at every arrow: each run completes, and everything is there once."""

import time
from functools import partial

import pytest

from gorkflow.models import StepExecution
from tests.faults.cells import ARROWS, EXPIRING, RESENDING, Cell, P
from tests.faults.plans import DIRECTORY_VARIABLE
from tests.faults.shapes import TARGET

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]

PATIENCE = 120.0
SWEEPS = {
    "sequential": RESENDING,
    "fan-out": EXPIRING,
    "fan-in": RESENDING,
    "atomic": EXPIRING,
}
MACHINES = [each for each in ARROWS if each.points[0] in (P.BEFORE_CLAIM, P.IN_FINISH)]
"""Before the broker can know that somebody has the message, and in the middle of everything."""


@pytest.fixture
def start_armed(start_worker, tmp_path, monkeypatch):
    """Start workers that carry out plans."""
    directory = tmp_path / "faults"
    directory.mkdir()
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(directory))
    modules = "tests.faults.workflows,tests.faults.armed"
    return partial(start_worker, "-P", "prefork", "--include", modules)


def check(cells, workers, start):
    """Wait for the runs' end, starting workers again that die, and return what is wrong."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not all(cell.has_ended() for cell in cells):
        for place, worker in enumerate(workers):
            if worker.process.poll() is not None:
                worker.stop()
                workers[place] = start(ready=False)
        time.sleep(0.1)
    for worker in workers:
        worker.kill()
    assert {cell.name: found for cell in cells if (found := list(cell.problems()))} == {}
    assert not StepExecution.objects.held().exists()


def test_a_child_that_dies_at_an_arrow_costs_no_result(start_armed):
    start = partial(start_armed, "-c", "2")
    workers = [start(), start()]
    ways = ("exit", "kill")
    cells = [
        Cell(arrow, shape, ways[(row + column) % 2])
        for row, arrow in enumerate(ARROWS)
        for column, shape in enumerate(TARGET)
    ]

    check(cells, workers, start)


@pytest.mark.faults
def test_a_worker_that_dies_as_a_whole_at_an_arrow_or_in_its_sweep_costs_no_result(start_armed):
    start = partial(start_armed, "-c", "1")
    workers = [start(), start()]
    cells = [Cell(arrow, shape, "kill") for shape, arrow in SWEEPS.items()]
    cells += [Cell(arrow, shape, "machine") for arrow in MACHINES for shape in TARGET]

    check(cells, workers, start)
