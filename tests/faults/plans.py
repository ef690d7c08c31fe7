"""Files by which a test and its workers' processes talk to each other.

A plan is named by its run and has lines "point step how": the step is * for any, `how` is exit,
kill or machine. Each line is carried out once, whichever process comes there first.
"""

import os
from pathlib import Path

DIRECTORY_VARIABLE = "GORKFLOW_TESTS_FAULTS"


def directory():
    return Path(os.environ[DIRECTORY_VARIABLE])


def plan(run_id):
    """Return the file that says where the run's workers die."""
    return directory() / f"{run_id}.plan"


def mark(run_id, point):
    """Return the file that is made when a line of the plan is carried out."""
    return directory() / f"{run_id}.{point}.struck"


def trace(run_id, step_id):
    """Return the file with a line for each execution of the step's handler."""
    return directory() / f"{run_id}.{step_id}.trace"
