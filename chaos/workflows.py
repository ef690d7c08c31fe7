"""The workflows under fire. What they have to put out is written down in `chaos.expectations`."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Sequence

from pydantic import BaseModel

from chaos.expectations import BRANCHES, COUNTED, MANY, RUN_LIMITS, STEP_LIMITS, mix
from chaos.journal import EXECUTIONS, directory, note
from chaos.models import Effect
from gorkflow import NonRetryableError, StepContext, WorkflowBuilder, register, step

RETRIES = 30
"""More than bad luck can use up: an outage of the database fails atomic handlers too."""
SLICE_SECONDS = 0.02
FOREVER = 600.0


class Task(BaseModel):
    """The input of every run."""

    number: int
    seed: int
    value: int
    pace: float = 0.1
    """Seconds that a step takes at most."""
    flaw: float = 0.0
    """Share of attempts that fail."""
    fatal: str = ""
    """The step that fails for good."""


class Token(BaseModel):
    """What a step puts out; the nonce says which execution of the handler made it."""

    value: int
    nonce: str


class Work:
    """One execution of a handler: takes its time, fails at times, and leaves a trace."""

    def __init__(self, ctx: StepContext, seen: Sequence[Token | None] = ()) -> None:
        self._ctx = ctx
        self._task: Task = ctx.input
        self._seen = [token.nonce for token in seen if token is not None]
        self._random = random.Random(
            f"{self._task.seed}/{self._task.number}/{ctx.step_id}/{ctx.attempt}"
        )
        self.nonce = uuid.uuid4().hex
        self.seconds = self._random.uniform(0, self._task.pace)

    def take_time(self, seconds: float | None = None) -> None:
        """Work for a while; every other execution looks whether it is still wanted."""
        is_watchful = self.happens(0.5)
        ends = time.monotonic() + (self.seconds if seconds is None else seconds)
        while time.monotonic() < ends:
            if is_watchful:
                self._ctx.check_cancelled()
            time.sleep(SLICE_SECONDS)

    def happens(self, share: float) -> bool:
        """Tell whether something that befalls a share of the executions, 0 to 1, befalls this."""
        return self._random.random() < share

    def end(self, value: int) -> Token:
        """Fail, or leave the trace and return the output."""
        if self._task.fatal == self._ctx.step_id:
            raise NonRetryableError("as planned")
        if self.happens(self._task.flaw):
            raise ConnectionError("as planned, for once")
        note(
            EXECUTIONS,
            run=str(self._ctx.run_id),
            step=self._ctx.step_id,
            attempt=self._ctx.attempt,
            nonce=self.nonce,
            seen=self._seen,
        )
        return Token(value=value, nonce=self.nonce)


def _write(ctx: StepContext, work: Work) -> None:
    Effect.objects.create(run_id=ctx.run_id, step_id=ctx.step_id, nonce=work.nonce)


@step(max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def enter(ctx: StepContext, task: Task) -> Token:
    """Begin with the run's input."""
    work = Work(ctx)
    work.take_time()
    return work.end(mix(ctx.step_id, task.value))


@step(max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def plain(ctx: StepContext, token: Token) -> Token:
    """Work on one parent's output."""
    work = Work(ctx, [token])
    work.take_time()
    return work.end(mix(ctx.step_id, token.value))


@step(atomic=True, max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def book(ctx: StepContext, token: Token) -> Token:
    """Write a row that commits with the step, some time before the step is over."""
    work = Work(ctx, [token])
    _write(ctx, work)
    work.take_time()
    return work.end(mix(ctx.step_id, token.value))


@step(id="open", atomic=True, max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def open_book(ctx: StepContext, task: Task) -> Token:
    """Begin with a write."""
    work = Work(ctx)
    _write(ctx, work)
    work.take_time()
    return work.end(mix(ctx.step_id, task.value))


@step(max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def gather(ctx: StepContext, tokens: tuple[Token, ...]) -> Token:
    """Join."""
    work = Work(ctx, tokens)
    work.take_time()
    return work.end(mix(ctx.step_id, *(token.value for token in tokens)))


@step(id="total", atomic=True, max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def book_total(ctx: StepContext, tokens: tuple[Token, ...]) -> Token:
    """Join, with a write."""
    work = Work(ctx, tokens)
    _write(ctx, work)
    work.take_time()
    return work.end(mix(ctx.step_id, *(token.value for token in tokens)))


@step(id="gather", max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def gather_what_is_there(ctx: StepContext, pair: tuple[Token, Token | None]) -> Token:
    """Join with a parent that may have failed."""
    work = Work(ctx, pair)
    work.take_time()
    return work.end(mix(ctx.step_id, *(token.value if token else 0 for token in pair)))


@step(max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def count(ctx: StepContext, token: Token) -> Token:
    """Count in the run's state, which commits with the step."""
    work = Work(ctx, [token])
    ctx.state["count"] = int(ctx.state.get("count", 0)) + 1
    work.take_time()
    return work.end(ctx.input.value + int(ctx.state["count"]))


@step(max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
async def swim(ctx: StepContext, token: Token) -> Token:
    """Work as a coroutine."""
    work = Work(ctx, [token])
    await asyncio.sleep(work.seconds)
    return work.end(mix(ctx.step_id, token.value))


@step(timeout=1.5, max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def hang(ctx: StepContext, token: Token) -> Token:
    """Hang at times until the timeout ends the attempt."""
    work = Work(ctx, [token])
    work.take_time(FOREVER if work.happens(0.3) else None)
    return work.end(mix(ctx.step_id, token.value))


@step(timeout=None, max_retries=RETRIES)
def linger(ctx: StepContext, _token: Token) -> Token:
    """Work until the run's timeout ends it."""
    ends = time.monotonic() + FOREVER
    while time.monotonic() < ends:
        ctx.check_cancelled()
        time.sleep(SLICE_SECONDS)
    raise NonRetryableError("nobody has ended the run")


@step(max_retries=RETRIES, retry_delay=0.2, max_delay=1.0)
def brittle(ctx: StepContext, token: Token) -> Token:
    """Fail for good until somebody mends what is outside."""
    work = Work(ctx, [token])
    work.take_time()
    if not is_mended(ctx.input.number):
        raise NonRetryableError("not mended yet")
    return work.end(mix(ctx.step_id, token.value))


def mend(number: int) -> None:
    """Mend what `brittle` waits for."""
    (directory() / f"mended-{number}").touch()


def is_mended(number: int) -> bool:
    """Tell whether it is mended."""
    return (directory() / f"mended-{number}").exists()


def is_even(ctx: StepContext) -> bool:
    """Decide by the run's input."""
    return bool(ctx.input.value % 2 == 0)


def is_odd(ctx: StepContext) -> bool:
    """Decide by the run's input."""
    return not is_even(ctx)


_steps = [plain.with_(id="cut"), book, plain.with_(id="polish"), plain.with_(id="pack")]
_branches = [(book if i % 3 == 0 else plain).with_(id=name) for i, name in enumerate(BRANCHES)]
_lines = [book.with_(id=f"line-{number}") for number in range(3)]
_pack = plain.with_(id="pack")

for _name in ("chain", "flaky"):
    register(WorkflowBuilder(_name).then(enter).sequence(*_steps).build())
register(WorkflowBuilder("fan").then(enter).parallel(*_branches).then(gather).then(book).build())
register(
    WorkflowBuilder("wide")
    .then(enter)
    .parallel(*[plain.with_(id=name) for name in MANY])
    .then(gather)
    .configure(max_concurrency=STEP_LIMITS["wide"])
    .build()
)
register(
    WorkflowBuilder("choice")
    .then(enter)
    .then_if(plain.with_(id="if-even"), when=is_even)
    .then_if(book.with_(id="if-odd"), when=is_odd)
    .then(_pack)
    .build()
)
register(
    WorkflowBuilder("tolerant")
    .then(enter)
    .parallel(plain.with_(id="strong"), plain.with_(id="weak", continue_on_error=True))
    .then(gather_what_is_there)
    .build()
)
register(
    WorkflowBuilder("bookings")
    .then(open_book)
    .parallel(*_lines)
    .then(book_total)
    .then(book.with_(id="close"))
    .build()
)
register(
    WorkflowBuilder("counted")
    .then(enter)
    .sequence(*[count.with_(id=name) for name in COUNTED])
    .build()
)
register(
    WorkflowBuilder("sinks").parallel(enter.with_(id="left"), open_book.with_(id="right")).build()
)
register(
    WorkflowBuilder("limited")
    .then(enter)
    .then(plain.with_(id="work"))
    .limit(max_concurrent_runs=RUN_LIMITS["limited"])
    .build()
)
register(WorkflowBuilder("exclusive").then(enter).then(plain.with_(id="work")).build())
register(WorkflowBuilder("timed").then(enter).then(hang.with_(id="work")).build())
register(WorkflowBuilder("overdue").then(enter).then(linger).limit(run_timeout=2.0).build())
register(WorkflowBuilder("coroutines").then(enter).then(swim.with_(id="work")).build())
register(WorkflowBuilder("mended").sequence(enter, book, brittle, _pack).build())
register(WorkflowBuilder("doomed").then(enter).then(plain.with_(id="hopeless")).then(_pack).build())
