"""`manage.py gorkflow`."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import override_settings

from gorkflow import RunStatus, tasks
from gorkflow.errors import ConfigurationError, PayloadError
from gorkflow.models import RunState, StepExecution, WorkflowRun
from tests.shop.workflows import Job, declined, plain

pytestmark = pytest.mark.django_db(transaction=True)


def test_prune_deletes_ended_runs_of_the_wanted_status_with_their_steps(capsys):
    plain.start(Job(), synchronous=True)
    declined.start(Job(), synchronous=True)
    waiting = plain.start(Job())

    call_command("gorkflow", "prune", "--older-than-days=0", "--status=FAILED", "--batch=1")
    assert "deleted 1 run\n" in capsys.readouterr().out
    call_command("gorkflow", "prune", "--older-than-days=0")

    assert [run.id for run in WorkflowRun.objects.all()] == [waiting.id]
    assert set(StepExecution.objects.values_list("run_id", flat=True)) == {waiting.id}
    assert not RunState.objects.exists()


def age_runs(days):
    """Let all runs have begun and ended so many days earlier."""
    earlier = timedelta(days=days)
    WorkflowRun.objects.update(
        created_at=F("created_at") - earlier, ended_at=F("ended_at") - earlier
    )


def prune_by_command(*arguments):
    call_command("gorkflow", "prune", *arguments)


def prune_by_task(*_arguments):
    tasks.prune()


@pytest.mark.parametrize("prune", [prune_by_command, prune_by_task])
def test_command_and_task_go_by_the_retention(prune):
    plain.start(Job(), synchronous=True)
    declined.start(Job(), synchronous=True)
    age_runs(10)
    young = plain.start(Job(), synchronous=True)

    with override_settings(GORKFLOW={"RETENTION": {"COMPLETED": "7d", "FAILED": 14}}):
        prune()

    left = set(WorkflowRun.objects.values_list("status", flat=True))
    assert (WorkflowRun.objects.count(), left) == (2, {"COMPLETED", "FAILED"})
    assert young.refresh().status is RunStatus.COMPLETED


def test_sweeps_go_by_the_retention():
    plain.start(Job(), synchronous=True)
    age_runs(10)

    with override_settings(GORKFLOW={"RETENTION": {"default": timedelta(days=36_525)}}):
        tasks.sweep()
        assert WorkflowRun.objects.exists()
    with override_settings(GORKFLOW={"RETENTION": 7}):
        tasks.sweep()
        assert not WorkflowRun.objects.exists()


def test_without_an_age_or_a_retention_nothing_is_deleted():
    plain.start(Job(), synchronous=True)

    with pytest.raises(CommandError, match="RETENTION"):
        prune_by_command()
    with pytest.raises(ConfigurationError, match="RETENTION"):
        tasks.prune()

    assert WorkflowRun.objects.count() == 1


def test_the_task_takes_days_and_statuses():
    plain.start(Job(), synchronous=True)
    declined.start(Job(), synchronous=True)

    tasks.prune(older_than_days=1)
    assert WorkflowRun.objects.count() == 2
    tasks.prune(older_than_days=0, statuses=["FAILED"])
    assert WorkflowRun.objects.get().status == "COMPLETED"
    with pytest.raises(PayloadError, match="FAILD"):
        tasks.prune(older_than_days=0, statuses=["FAILD"])


def test_the_task_leaves_the_rest_when_its_worker_shuts_down(monkeypatch):
    plain.start(Job(), synchronous=True)
    monkeypatch.setattr(tasks, "is_stopping", lambda: True)

    tasks.prune(older_than_days=0)

    assert WorkflowRun.objects.count() == 1


def test_sweep_says_what_it_did(capsys):
    call_command("gorkflow", "sweep")

    assert capsys.readouterr().out == "acted on 0\n"


@pytest.mark.parametrize(
    "wrong",
    [
        ["--older-than-days=-1"],
        ["--older-than-days=nan"],
        ["--older-than-days=1", "--batch=0"],
        ["--older-than-days=1", "--status=RUNNING"],
    ],
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises((CommandError, SystemExit)):
        call_command("gorkflow", "prune", *wrong)
