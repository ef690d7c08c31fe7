"""`manage.py gorkflow`."""

import pytest
from django.core.management import CommandError, call_command

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


def test_prune_keeps_young_runs():
    plain.start(Job(), synchronous=True)

    call_command("gorkflow", "prune")

    assert WorkflowRun.objects.count() == 1


def test_sweep_says_what_it_did(capsys):
    call_command("gorkflow", "sweep")

    assert capsys.readouterr().out == "acted on 0\n"


@pytest.mark.parametrize("wrong", [["--older-than-days=-1"], ["--batch=0"], ["--status=RUNNING"]])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises((CommandError, SystemExit)):
        call_command("gorkflow", "prune", *wrong)
