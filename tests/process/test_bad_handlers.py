"""Real workers run every bad handler there is, and then a good one."""

import pytest

from gorkflow import RunStatus
from gorkflow.errors import ErrorCode
from tests.properties.bad_handlers import BAD
from tests.properties.bad_workflows import after, bad, deadly

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]

POOLS = [("-P", "prefork", "-c", "2"), ("-P", "threads", "-c", "2")]
# Only a signal ends a call that blocks (in a thread the lease does, which counts as a lost worker),
# and signals are the main thread's.
OF_THE_MAIN_THREAD = {"endless", "open_atomic_and_no_end", "alarmed", "alarmed_without_limit"}


@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: pool[1])
def test_bad_handlers_harm_neither_their_worker_nor_the_runs_of_others(start_worker, pool):
    worker = start_worker(*pool, "--include", "tests.properties.bad_workflows")
    names = [name for name in bad if pool[1] == "prefork" or name not in OF_THE_MAIN_THREAD]

    runs = {name: bad[name].start() for name in names}
    ended = {name: run.wait(90) for name, run in runs.items()}

    wrong = {
        name: (run.status, run.error)
        for name, run in ended.items()
        if BAD[name].code is not (run.error and run.error.code)
    }
    assert wrong == {}
    assert [after.start(1).wait(30).output for _ in range(4)] == [3] * 4
    assert worker.process.poll() is None
    assert "Traceback" not in worker.text()


def test_handlers_that_end_their_process_cost_three_attempts(start_worker):
    start_worker("-P", "prefork", "-c", "2", "--include", "tests.properties.bad_workflows")

    runs = [each.start() for each in deadly.values()]

    for run in runs:
        assert run.wait(90).status is RunStatus.FAILED
        assert run.error.code is ErrorCode.WORKER_LOST
        assert len(run.steps(attempts=True)[0].attempts) == 3
    assert after.start(1).wait(30).output == 3
