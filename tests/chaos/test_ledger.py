"""The ledger finds what was lost, doubled or broken: one that finds nothing proves nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chaos.expectations import of_run
from chaos.ledger import AttemptFacts, Facts, Kind, RunFacts, StepFacts, audit, most_at_once
from chaos.recovery import recoveries

TASK = {"value": 7, "fatal": "", "number": 0, "seed": 1}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
DONE = AttemptFacts(number=1, status="COMPLETED", worker="host:1:t", started_at=NOW)


def at(seconds):
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def facts():
    """A run of two steps, as it has to be; the first wrote a row, the second got its output."""
    steps = (
        StepFacts(
            step_id="enter",
            status="COMPLETED",
            atomic=True,
            nonce="n1",
            attempts=(DONE,),
            effects=("n1",),
        ),
        StepFacts(step_id="work", status="COMPLETED", nonce="n2", attempts=(DONE,)),
    )
    output = {"value": of_run("limited", TASK).value, "nonce": "n2"}
    run = RunFacts(
        id="r",
        workflow_id="limited",
        task=TASK,
        status="COMPLETED",
        total_steps=2,
        output=output,
        steps=steps,
    )
    return Facts(
        runs=(run,),
        executions=(
            {"run": "r", "step": "enter", "attempt": 1, "nonce": "n1", "seen": []},
            {"run": "r", "step": "work", "attempt": 1, "nonce": "n2", "seen": ["n1"]},
        ),
        starts=({"number": 0, "run": "r"},),
        keys={"chaos-1-0": "r"},
        planned=(0,),
        seed=1,
    )


def with_run(facts, **changes):
    return replace(facts, runs=(replace(facts.runs[0], **changes),))


def with_step(facts, index, **changes):
    steps = list(facts.runs[0].steps)
    steps[index] = replace(steps[index], **changes)
    return with_run(facts, steps=tuple(steps))


def kinds(facts):
    return {finding.kind for finding in audit(facts)}


def test_what_is_as_it_has_to_be_is_no_finding(facts):
    assert audit(facts) == []


LOSSES = {
    "a run that never ended": lambda facts: with_run(facts, status="RUNNING"),
    "a run that ended otherwise": lambda facts: with_run(facts, status="FAILED"),
    "another output": lambda facts: with_run(facts, output={"value": 1, "nonce": "n2"}),
    "a missing step": lambda facts: with_run(facts, steps=facts.runs[0].steps[:1]),
    "a step that still runs": lambda facts: with_step(facts, 1, status="RUNNING"),
    "a row that is gone": lambda facts: with_step(facts, 0, effects=()),
    "an output that nobody made": lambda facts: with_step(facts, 1, nonce="n9"),
    "a completed step whose attempts all failed": lambda facts: with_step(
        facts, 1, attempts=(replace(DONE, status="FAILED"),)
    ),
    "a run that its caller was told of": lambda facts: replace(facts, runs=()),
    "a start that never came": lambda facts: replace(facts, planned=(0, 1)),
    "a key that leads elsewhere": lambda facts: replace(facts, keys={"chaos-1-0": "other"}),
    "an input that nobody put out": lambda facts: replace(
        facts, executions=({**facts.executions[1], "seen": ["n7"]}, *facts.executions)
    ),
}


@pytest.mark.parametrize("case", LOSSES)
def test_what_is_lost_is_found(facts, case):
    assert Kind.LOST in kinds(LOSSES[case](facts))


DOUBLES = {
    "two rows of one step": lambda facts: with_step(facts, 0, effects=("n1", "n3")),
    "a row of another execution": lambda facts: with_step(facts, 0, effects=("n3",)),
    "two attempts that committed": lambda facts: with_step(
        facts, 1, attempts=(DONE, replace(DONE, number=2))
    ),
    "an output that later steps did not see": lambda facts: replace(
        with_step(facts, 0, nonce="n3", effects=("n3",)),
        executions=(
            *facts.executions,
            {"run": "r", "step": "enter", "attempt": 2, "nonce": "n3", "seen": []},
        ),
    ),
    "two runs of one start": lambda facts: replace(
        facts,
        runs=(facts.runs[0], replace(facts.runs[0], id="s", steps=())),
        starts=(*facts.starts, {"number": 0, "run": "s"}),
    ),
}


@pytest.mark.parametrize("case", DOUBLES)
def test_what_is_doubled_is_found(facts, case):
    assert Kind.DOUBLED in kinds(DOUBLES[case](facts))


def test_a_gap_in_the_attempts_is_found(facts):
    assert kinds(with_step(facts, 1, attempts=(replace(DONE, number=2),))) == {Kind.BROKEN}


def test_more_runs_at_once_than_the_limit_are_found(facts):
    attempt = replace(DONE, ended_at=at(5))
    step = replace(facts.runs[0].steps[1], attempts=(attempt,))
    run = replace(facts.runs[0], steps=(facts.runs[0].steps[0], step))
    runs = tuple(replace(run, id=f"r{number}") for number in range(4))

    found = [each for each in audit(replace(facts, runs=runs)) if "ran at once" in each.text]

    assert [each.kind for each in found] == [Kind.BROKEN]


def test_spans_that_only_touch_do_not_overlap():
    assert most_at_once([(at(0), at(1)), (at(1), at(2)), (at(1.5), None)]) == 1
    assert most_at_once([(at(0), at(2)), (at(1), at(3))]) == 2


def test_a_recovery_is_measured_from_the_kill_to_the_next_attempt(facts):
    lost = AttemptFacts(
        number=1,
        status="FAILED",
        worker="host:77:t",
        error="WORKER_LOST",
        started_at=at(0),
        ended_at=at(4),
    )
    again = replace(DONE, number=2, started_at=at(4.5))
    run = with_step(facts, 1, attempts=(lost, again)).runs[0]

    found = recoveries([run], [{"at": at(1).timestamp(), "pids": [77]}])

    assert found.seconds == pytest.approx([3.5])
    assert recoveries([run], [{"at": at(1).timestamp(), "pids": [78]}]).seconds == []
