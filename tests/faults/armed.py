"""Arms every fault point of the process that imports it: a worker, by `--include`."""

import os
import signal

from gorkflow.faults import FaultPoint, exit_process, inject, kill_process
from tests.faults.plans import mark, plan, trace


def lose_power(place):
    """End the worker's whole process group."""
    os.killpg(os.getpgrp(), signal.SIGKILL)
    kill_process(place)


MAIN = os.getpid()
ACTS = {"exit": exit_process, "kill": kill_process, "machine": lose_power}


def strike(place):
    if (os.getpid() == MAIN) is not (place.point is FaultPoint.IN_SWEEP):
        return  # a child does the work, the main process sweeps
    try:
        lines = plan(place.run_id).read_text().splitlines()
    except OSError:
        return
    for line in lines:
        point, step_id, how = line.split()
        if point == place.point and step_id in ("*", place.step_id) and is_in_the_middle(place):
            try:
                mark(place.run_id, point).touch(exist_ok=False)
            except FileExistsError:
                continue
            ACTS[how](place)


def is_in_the_middle(place):
    """Tell whether the handler is under way and not about to be called."""
    is_early = place.point is FaultPoint.IN_HANDLER
    return not is_early or trace(place.run_id, place.step_id).exists()


for each in FaultPoint:
    inject(each, strike, times=10**9).install()
