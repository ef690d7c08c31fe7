"""Random workflows, and a plain recursive model of what has to become of a run."""

import json
import zlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from gorkflow import NonRetryableError, WorkflowBuilder, step
from tests.properties.values import same

UNSET = "unset"
NEVER = 10_000


def digest(value):
    return zlib.crc32(json.dumps(value, sort_keys=True).encode()) % 1000


@dataclass
class PlannedStep:
    name: str
    parents: tuple[str, ...]
    by_id: bool = False
    writes_text: bool = False
    max_retries: int = 0
    failures: int = 0
    """Attempts that fail before one succeeds."""
    fatal_attempt: int = 0
    """The attempt that raises NonRetryableError; 0 for none."""
    tolerated: bool = False
    condition: int | None = None
    """None: unconditional. Else it runs where the value's digest is not a multiple of it."""
    default: Any = UNSET


@dataclass
class Ended:
    """What the model says of one step."""

    status: str
    output: Any
    attempts: int


@dataclass
class Plan:
    steps: list[PlannedStep]
    value: int
    max_concurrency: int | None
    mended: bool = False
    """From now on nothing fails."""
    calls: Counter = field(default_factory=Counter)

    @cached_property
    def by_name(self):
        return {each.name: each for each in self.steps}

    @cached_property
    def sinks(self):
        parents = {name for each in self.steps for name in each.parents}
        return sorted(each.name for each in self.steps if each.name not in parents)

    # The workflow

    def builder(self):
        builder = WorkflowBuilder("random").configure(max_concurrency=self.max_concurrency)
        for planned in self.steps:
            made = self._step(planned)
            if planned.condition is None:
                builder = builder.add(made)
            else:
                given = {} if planned.default == UNSET else {"default": planned.default}
                builder = builder.then_if(made, when=self._condition(planned), **given)
        return builder

    def _condition(self, planned):
        return lambda value: digest(value) % planned.condition != 0

    def _step(self, planned):
        def handler(ctx, value):
            self.calls[planned.name] += 1
            if not self.mended:
                if ctx.attempt == planned.fatal_attempt:
                    raise NonRetryableError(planned.name)
                if ctx.attempt <= planned.failures:
                    raise ValueError(planned.name)
            return self._result(planned, value)

        handler.__annotations__ = {
            "value": dict[str, Any] if planned.by_id else Any,
            "return": str if planned.writes_text else int,
        }
        return step(
            handler,
            id=planned.name,
            after=planned.parents,
            max_retries=planned.max_retries,
            continue_on_error=planned.tolerated,
            retry_delay=0,
        )

    def _result(self, planned, value):
        number = digest([planned.name, value])
        return str(number) if planned.writes_text else number

    # The model

    def expected(self):
        """Return how each step ends, if a failure that is not tolerated stopped no other."""
        found = {}
        for planned in self.steps:
            if all(self._lets_go_on(found.get(name), name) for name in planned.parents):
                found[planned.name] = self._end_of(planned, found)
        return found

    def _lets_go_on(self, ended, name):
        return ended is not None and (ended.status != "FAILED" or self.by_name[name].tolerated)

    def _end_of(self, planned, found):
        value = self._input_of(planned, found)
        if planned.condition is not None and digest(value) % planned.condition == 0:
            return Ended("SKIPPED", self._skipped_output(planned, value), 1)
        attempts = planned.failures + 1
        fails = attempts > planned.max_retries + 1
        attempts = min(attempts, planned.max_retries + 1)
        if 0 < planned.fatal_attempt <= attempts:
            fails, attempts = True, planned.fatal_attempt
        if fails and not self.mended:
            return Ended("FAILED", None, attempts)
        return Ended("COMPLETED", self._result(planned, value), attempts)

    def _input_of(self, planned, found):
        if not planned.parents:
            return self.value
        if len(planned.parents) == 1:
            return found[planned.parents[0]].output
        if planned.by_id:
            known = {name: found[name] for name in planned.parents}
            return {n: ended.output for n, ended in known.items() if ended.status != "FAILED"}
        return [found[name].output for name in planned.parents]

    def _skipped_output(self, planned, value):
        if planned.default != UNSET:
            return planned.default
        return value if self._passes(planned) else None

    def _passes(self, planned):
        if len(planned.parents) != 1:
            return False
        return self.by_name[planned.parents[0]].writes_text == planned.writes_text

    def output(self, found):
        """Return the run's output, given how each step ended."""
        shown = [self._shown(name, found) for name in self.sinks]
        return shown[0] if len(shown) == 1 else dict(zip(self.sinks, shown, strict=True))

    def _shown(self, name, found):
        planned, ended = self.by_name[name], found[name]
        looks_through = (
            ended.status == "SKIPPED"
            and planned.default == UNSET
            and not self._passes(planned)
            and planned.parents
        )
        if not looks_through:
            return ended.output
        if len(planned.parents) == 1:
            return self._shown(planned.parents[0], found)
        return {parent: self._shown(parent, found) for parent in planned.parents}


def check_ended(plan, run):
    """Compare a run that has ended with the model."""
    found = plan.expected()
    fatal = {n for n, e in found.items() if e.status == "FAILED" and not plan.by_name[n].tolerated}
    seen = {each.step_id: each for each in run.steps(attempts=True)}
    assert set(seen) == set(plan.by_name)
    for name, record in seen.items():
        status = str(record.status)
        ended = found.get(name)
        if status == "CANCELLED":
            # Only where a failure came first.
            assert fatal
            continue
        assert ended is not None, f"{name} ran without its parents"
        assert (status, record.attempt) == (ended.status, ended.attempts)
        numbers = [attempt.number for attempt in record.attempts]
        assert numbers == list(range(1, ended.attempts + 1))
        assert plan.calls[name] == (0 if status == "SKIPPED" else ended.attempts)
    if fatal:
        assert str(run.status) == "FAILED"
        failed = {name for name, record in seen.items() if str(record.status) == "FAILED"}
        assert run.error.step_id in fatal & failed
    else:
        assert str(run.status) == "COMPLETED", run.error
        assert run.progress == 1.0
        assert same(_sorted(run.output), _sorted(plan.output(found)))


def _sorted(value):
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return value


@st.composite
def plans(draw, most=7):
    """Draw a plan of 1 to `most` steps."""
    steps = []
    for number in range(draw(st.integers(1, most))):
        known = [each.name for each in steps]
        parents = draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
        writes_text = draw(st.booleans())
        default = st.just("7") if writes_text else st.just(7)
        steps.append(
            PlannedStep(
                # Not in the order of their places, so that sorting by id shows.
                name=f"s{(number * 5) % 11}-{number}",
                parents=tuple(parents),
                by_id=len(parents) > 1 and draw(st.booleans()),
                writes_text=writes_text,
                max_retries=draw(st.integers(0, 3)),
                failures=draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3, NEVER])),
                fatal_attempt=draw(st.sampled_from([0, 0, 0, 0, 0, 1, 2])),
                tolerated=draw(st.booleans()),
                condition=draw(st.sampled_from([None, None, None, 1, 2, 1000])),
                default=draw(st.one_of(st.just(UNSET), st.none(), default)),
            )
        )
    return Plan(
        steps=steps,
        value=draw(st.integers(0, 99)),
        max_concurrency=draw(st.sampled_from([None, 1, 2])),
    )
