"""Workers of several releases on one queue: runs wait for those that have their code."""

import pytest

from gorkflow import RunStatus, StepStatus
from gorkflow.definition.registry import registry
from tests.outages.deploys import CARELESS, NEW, OLD, VARIABLE, parcel
from tests.process.workers import wait_until
from tests.shop.workflows import Job

pytestmark = pytest.mark.outage


@pytest.fixture
def start_release(start_worker):
    """Start a worker that has the code of a release."""

    def start(release):
        include = ("--include", "tests.outages.deploys")
        return start_worker("-P", "solo", *include, env={VARIABLE: release})

    return start


def parked(run, step_id):
    """Return the step once it says why it waits."""

    def look():
        (found,) = (row for row in run.steps() if row.step_id == step_id)
        return found if found.progress_note else None

    return wait_until(look, f"{step_id} to be parked")


def attempts(run):
    return [row.attempt for row in run.steps()]


def test_a_version_that_only_new_workers_know_waits_for_one_and_burns_no_attempt(
    postgres, broker, start_release
):
    old = start_release(OLD)
    waiting = parcel.start(Job(name="early"))

    step = parked(waiting, "pack")
    assert (step.status, step.attempt) == (StepStatus.PENDING, 0)
    assert step.progress_note == "waits for a worker that has version '2' of the workflow"
    assert "step_unknown" in old.text()
    assert waiting.refresh().status is RunStatus.PENDING

    new = start_release(NEW)
    runs = [waiting, *(parcel.start(Job(name="late")) for _ in range(6))]
    of_the_old_version = registry.get("parcel", "1").start(Job(name="old"))

    assert [run.wait(60).status for run in runs] == [RunStatus.COMPLETED] * 7
    assert of_the_old_version.wait(60).output == "old shipped"
    assert [attempts(run) for run in runs] == [[1, 1, 1]] * 7
    workers = {row.worker.split(":")[1] for run in runs for row in run.steps()}
    assert workers == {str(new.process.pid)}


def test_a_renamed_step_parks_its_run_until_the_code_is_back(postgres, broker, start_release, gate):
    before = start_release(OLD)
    run = registry.get("parcel", "1").start(Job(name="kept", gate=str(gate)))
    wait_until((gate / "packing").exists, "the step to run")
    before.terminate()
    wait_until(lambda: "Warm shutdown" in before.text(), "the shutdown to begin")
    careless = start_release(CARELESS)
    (gate / "open").touch()

    step = parked(run, "ship")
    assert (
        step.progress_note == "waits for a worker whose version '1' of the workflow has this step"
    )
    assert step.attempt == 0
    assert run.refresh().status is RunStatus.RUNNING
    assert "step_unknown" in careless.text()

    careless.stop()
    start_release(OLD)

    assert run.wait(60).output == "kept shipped"
    assert attempts(run) == [1, 1]
