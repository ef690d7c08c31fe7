"""A run of one shape that is hit at one arrow, and what has to come of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction

from gorkflow import RunStatus, StepStatus
from gorkflow.errors import ErrorCode
from gorkflow.faults import FaultPoint
from gorkflow.stores.orm.transactions import write_transaction
from gorkflow.wiring import get_engine
from tests.faults.plans import mark, plan, trace
from tests.faults.shapes import OUTPUT, STEPS, TARGET
from tests.faults.workflows import SHAPES, Job
from tests.shop.models import Entry

FREED_SECONDS = settings.GORKFLOW["LEASE"] + 1.2 * settings.GORKFLOW["SWEEP_INTERVAL"] + 10.0
"""From a death until its step is free again: sweeps come every interval, give or take a fifth. The
rest is for a machine that does other things too."""
ENDED_SECONDS = FREED_SECONDS + 25.0
"""Until the run has ended: it waits its turn among the others, and for processes to start."""


@dataclass(frozen=True)
class Arrow:
    """Where it is hit, and what that costs the step that is hit."""

    points: tuple[FaultPoint, ...]
    executions: int = 1
    attempts: int = 1
    of_the_run: bool = False
    in_a_thread: bool = False
    """Another thread dies there, and with it whatever the process is at by then."""

    def __str__(self):
        return "+".join(self.points)


P = FaultPoint
ARROWS = [
    Arrow((P.BEFORE_CLAIM,), of_the_run=True),
    Arrow((P.AFTER_CLAIM,), attempts=2),
    Arrow((P.IN_HANDLER,), executions=2, attempts=2),
    Arrow((P.AFTER_EFFECT,), executions=2, attempts=2),
    Arrow((P.IN_FINISH,), executions=2, attempts=2),
    Arrow((P.AFTER_COMMIT,)),
    Arrow((P.BEFORE_PUBLISH,), of_the_run=True, in_a_thread=True),
    Arrow((P.BEFORE_ACK,), of_the_run=True),
    Arrow((P.IN_HEARTBEAT,), executions=2, attempts=2, of_the_run=True),
]
RESENDING = Arrow((P.IN_SWEEP,), of_the_run=True)
EXPIRING = Arrow((P.AFTER_CLAIM, P.IN_SWEEP), attempts=2)


class Cell:
    """A run of one shape that is hit at one arrow."""

    def __init__(self, arrow, shape, how):
        self.name = f"{arrow}, {shape}, {how}"
        self.arrow, self.shape = arrow, shape
        self.target = TARGET[shape]
        # Only a fan-out has messages to send; elsewhere a retry is sent.
        self._fails = P.BEFORE_PUBLISH in arrow.points and shape != "fan-out"
        # Where workers die as a whole nobody may be there for a while, or others die with them.
        self._is_alone = how == "machine" or P.IN_SWEEP in arrow.points
        job = Job(target=self.target, lingers=P.IN_HEARTBEAT in arrow.points, fails=self._fails)
        with write_transaction("default"):
            self.run = SHAPES[shape].start(job)
            step_id = "*" if arrow.of_the_run else self.target
            lines = "".join(f"{point} {step_id} {how}\n" for point in arrow.points)
            plan(self.run.id).write_text(lines)
            if arrow is RESENDING:
                transaction.get_connection().run_on_commit.clear()  # nobody is told

    def has_ended(self):
        return self.run.refresh().status.is_terminal

    def problems(self):
        """Yield what is not as it should be."""
        run, arrow = self.run, self.arrow
        struck = [mark(run.id, point) for point in arrow.points]
        if not all(each.exists() for each in struck):
            yield "was not hit"
            return
        if run.status is not RunStatus.COMPLETED:
            yield f"is {run.status}: {run.error}"
            return
        if run.output != OUTPUT[self.shape]:
            yield f"put out {run.output}"
        deaths = [datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in struck]
        yield from self._late(deaths)
        yield from self._wrong_steps()
        expected = [f"{run.id} {name}" for name in "bc" if self.shape == "atomic"]
        if (written := list(self._effects())) != expected:
            yield f"has the effects {written}"

    def _late(self, deaths):
        took = (get_engine().get_run(self.run.id).ended_at - deaths[-1]).total_seconds()
        if took > ENDED_SECONDS and not self._is_alone:
            yield f"ended {took:.1f} s after the death"
        for each in self.run.steps(attempts=True):
            for attempt in each.attempts:
                if attempt.error is not None and attempt.error.code is ErrorCode.WORKER_LOST:
                    freed = (attempt.ended_at - deaths[0]).total_seconds()
                    if freed > FREED_SECONDS and not self._is_alone:
                        yield f"{each.step_id} was freed {freed:.1f} s after the death"

    def _effects(self):
        entries = Entry.objects.filter(name__startswith=str(self.run.id))
        return entries.order_by("name").values_list("name", flat=True)

    def _wrong_steps(self):
        steps = self.run.steps(attempts=True)
        if [each.status for each in steps] != [StepStatus.COMPLETED] * STEPS[self.shape]:
            yield f"has the steps {[(each.step_id, each.status) for each in steps]}"
        for each in steps:
            numbers = [attempt.number for attempt in each.attempts]
            if numbers != [*range(1, each.attempt + 1)]:
                yield f"has the attempts {numbers} of {each.step_id}"
        attempts = {each.step_id: each.attempt for each in steps}
        (target,) = [each for each in steps if each.step_id == self.target]
        executions = len(trace(self.run.id, self.target).read_text().splitlines())
        found = (executions, attempts[self.target])
        extra = 1 if self._fails else 0
        expected = (self.arrow.executions + extra, self.arrow.attempts + extra)
        if found != expected and not self._may_be(*found, expected[1], target):
            yield f"executed {found[0]} times in {found[1]} attempts, not {expected}"
        # A commit that was followed by death had claimed another step.
        others = [count for step_id, count in attempts.items() if step_id != self.target]
        if sum(others) > len(others) + 1 and not self._is_alone:
            yield f"has the attempts {attempts}"

    def _may_be(self, executions, attempts, expected, target):
        """Tell whether the target may have been held by what died, though it was not hit itself."""
        if self._is_alone and attempts > expected:
            return True  # what died with the machine held another run's step
        codes = [each.error.code for each in target.attempts if each.error is not None]
        # Only the first attempt fails: if that is lost before it begins, none does.
        return (
            self.arrow.in_a_thread
            and codes.count(ErrorCode.WORKER_LOST) == 1
            and expected <= attempts <= expected + 1
            and attempts - 1 <= executions <= attempts
        )
