"""What `inject` takes and does."""

import signal
import subprocess
import sys
import uuid

import pytest

from gorkflow import WorkflowBuilder, step
from gorkflow.dispatch.base import Hint
from gorkflow.faults import FaultPoint, inject, raising, reach
from gorkflow.testing import local_engine

POINT = FaultPoint.AFTER_CLAIM
FAULT = raising(MemoryError("no more"))
CHILD = """
from gorkflow import faults

faults.inject(faults.FaultPoint.IN_SWEEP, faults.{act}).install()
try:
    faults.reach(faults.FaultPoint.IN_SWEEP)
finally:
    print("still here", flush=True)
"""


def test_a_place_where_nothing_is_armed_does_nothing():
    reach(POINT)


def test_a_fault_acts_once_at_its_place_and_is_disarmed_with_its_block():
    with inject(POINT, FAULT) as fault:
        reach(FaultPoint.BEFORE_CLAIM)
        with pytest.raises(MemoryError):
            reach(POINT)
        reach(POINT)
        assert fault.fired == 1
    with inject(POINT, FAULT):
        pass
    reach(POINT)


def test_a_fault_may_wait_for_its_turn_and_act_several_times():
    with inject(POINT, FAULT, skip=1, times=2) as fault:
        reach(POINT)
        for _ in range(2):
            with pytest.raises(MemoryError):
                reach(POINT)
        reach(POINT)
    assert fault.fired == 2


def test_a_fault_may_be_meant_for_one_run():
    run_id = uuid.uuid4()
    with inject(POINT, FAULT, run_id=run_id) as fault:
        reach(POINT, run_id=uuid.uuid4())
        reach(POINT)
        with pytest.raises(MemoryError):
            reach(POINT, Hint(run_id=run_id, queue="q"))
    assert fault.fired == 1


def test_a_fault_may_be_meant_for_one_step_and_attempt():
    calls = []

    @step(max_retries=2, retry_delay=0)
    def charge(n: int) -> int:
        calls.append(n)
        return n

    @step(max_retries=0)
    def ship(n: int) -> int:
        return n

    workflow = WorkflowBuilder("fault").then(charge).then(ship).build()
    with local_engine(workflow), inject(FaultPoint.AFTER_EFFECT, FAULT, step_id="charge", times=2):
        run = workflow.start(1)
        run.wait()

    assert run.output == 1
    assert calls == [1, 1, 1]


def test_what_cannot_be_a_fault_is_refused():
    with pytest.raises(ValueError, match="after_lunch"):
        inject("after_lunch", FAULT)


@pytest.mark.parametrize(("act", "code"), [("exit_process", 70), ("kill_process", -signal.SIGKILL)])
def test_a_process_ends_without_tidying_up(act, code):
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(act=act)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (code, "")
