"""A step that takes its whole worker with it, again and again."""

import pytest

from gorkflow import RunStatus, StepStatus
from gorkflow.errors import ErrorCode
from tests.outages.workflows import bomb
from tests.process.workers import wait_until
from tests.shop.workflows import Job, plain

pytestmark = [pytest.mark.outage, pytest.mark.long]


@pytest.mark.parametrize("pool", [("-P", "prefork", "-c", "2"), ("-P", "solo")], ids=lambda p: p[1])
def test_it_is_given_up_after_three_workers_and_harms_no_other_run(
    postgres, broker, start_worker, pool
):
    bad = bomb.start(Job())
    good = [plain.start(Job()) for _ in range(5)]
    workers = []

    def supervise():
        if not workers or workers[-1].process.poll() is not None:
            workers.append(start_worker(*pool, "--include", "tests.outages.workflows", ready=False))
        return bad.refresh().status.is_terminal

    wait_until(supervise, "the run to be given up", patience=120)

    assert bad.error.code is ErrorCode.WORKER_LOST
    (step,) = bad.steps(attempts=True)
    assert [attempt.status for attempt in step.attempts] == [StepStatus.FAILED] * 3
    assert [run.wait(40).status for run in good] == [RunStatus.COMPLETED] * 5
    assert len(workers) == 4
