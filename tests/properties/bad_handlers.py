"""Handlers that do what no handler should, and what is to become of each.

Real workers run them too (tests/process), so nothing here is defined in a function.
"""

import asyncio
import contextlib
import locale
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import SynchronousOnlyOperation
from django.db import IntegrityError, connection, transaction
from django.utils import timezone, translation
from pydantic import BaseModel, field_serializer

from gorkflow import NonRetryableError, StartOptions, StepContext, step
from gorkflow.definition.binding import current_engine
from gorkflow.errors import ErrorCode, PayloadError, StepCancelled
from gorkflow.models import AdmissionLock

FAILED, INVALID, PANIC = ErrorCode.EXECUTION_FAILED, ErrorCode.VALIDATION_ERROR, ErrorCode.PANIC

_FAST = {"max_retries": 1, "retry_delay": 0, "timeout": 20}


@dataclass(frozen=True)
class Bad:
    """A bad handler, and how its run ends."""

    step: object
    code: ErrorCode | None
    """None: the run completes."""
    says: str = ""
    """Part of the error's message."""
    needs_django: bool = False


BAD = {}


def bad(code=None, says="", *, needs_django=False, **options):
    def add(handler):
        made = step(handler, **{**_FAST, **options})
        BAD[made.id] = Bad(made, code, says, needs_django)
        return handler

    return add


# What it returns --------------------------------------------------------------------------------


class Sour(BaseModel):
    n: int = 1

    @field_serializer("n")
    def _spoil(self, _value):
        raise ZeroDivisionError("sour")


@bad(INVALID, "output of step 'wrong_type' is not valid")
def wrong_type() -> int:
    return "no number"


@bad(INVALID, "at list.1")
def unserialisable():
    return {"list": [1, object()]}


@bad(INVALID, "sour")
def sour_serializer() -> Sour:
    return Sour()


@bad(INVALID, "returned a coroutine")
def forgotten_await():
    return asyncio.sleep(0)


@bad(INVALID, "refers to itself")
def circular():
    circle = []
    circle.append(circle)
    return circle


@bad(INVALID, "is too large")
def huge():
    return "x" * 10_000_000


@bad(INVALID, "NUL")
def nul():
    return ["\x00"]


@bad(INVALID, "NaN")
def not_a_number():
    return Decimal(1), float("nan")


@bad(INVALID, "surrogates")
def bad_state(ctx: StepContext):
    ctx.state["x"] = "\ud800"


@bad()
def generated():
    return (n for n in range(3))


# What it raises ---------------------------------------------------------------------------------


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("mute")


class DeadlyError(Exception):
    def __str__(self):
        raise SystemExit(3)


class LoudError(Exception):
    def __str__(self):
        return "NUL \x00 surrogate \ud800 " + "!" * 10_000_000


class UnpicklableError(Exception):
    def __init__(self, one, two):
        super().__init__(one)
        self.lock = threading.Lock()


class OddCodeError(NonRetryableError):
    code = "E42"


class OddFieldsError(PayloadError):
    def __init__(self):
        super().__init__("odd fields")
        self.errors = [{"loc": object(), "msg": "\ud800\x00", 1: float("nan"), "me": self}]


class RottenError(PayloadError):
    def __init__(self):
        super().__init__("rotten")
        self.errors = self.errors.append


class MyExit(SystemExit):
    pass


def raising(name, error, code, says="", **options):
    def handler():
        raise error() if isinstance(error, type) else error

    handler.__name__ = name
    bad(code, says, **options)(handler)


raising("mute", MuteError, FAILED, "MuteError")
raising("deadly", DeadlyError, FAILED, "DeadlyError")
raising("loud", LoudError, FAILED, "NUL \\x00 surrogate \\ud800 !!!")
raising("unpicklable", UnpicklableError(1, 2), FAILED, "1")
raising("odd_code", OddCodeError("odd"), FAILED, "odd")
raising("odd_fields", OddFieldsError, INVALID, "odd fields")
raising("rotten", RottenError, INVALID, "rotten")
raising("memory", MemoryError("no memory"), FAILED, "no memory")
raising("base", BaseException("base"), PANIC, "base")
raising("leaving", SystemExit(3), PANIC, "3")
raising("generator_exit", GeneratorExit("closed"), PANIC, "closed")
raising("stop_iteration", StopIteration("stop"), FAILED, "stop")
raising("cancelled_error", asyncio.CancelledError("cancelled"), PANIC, "cancelled")
raising("step_cancelled", StepCancelled("unwanted"), ErrorCode.CANCELLED, "unwanted")
raising(
    "group", ExceptionGroup("group", [ValueError("a"), NonRetryableError("b")]), FAILED, "group"
)
raising("base_group", BaseExceptionGroup("group", [KeyboardInterrupt(), ValueError("a")]), PANIC)


@bad(PANIC, "3")
def exiting():
    sys.exit(3)


@bad(FAILED, "recursion")
def recursing():
    return recursing()


@bad(FAILED, "caused")
def with_a_cause():
    try:
        raise LoudError
    except LoudError as error:
        raise ValueError("caused") from error


@bad(FAILED, "raised StopIteration")
async def async_stop():
    raise StopIteration


@bad(PANIC)
async def async_exit():
    sys.exit(4)


@bad(FAILED, "unhandled errors in a TaskGroup")
async def async_group():
    async def fail():
        raise ValueError("in a task")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(fail())


@bad(ErrorCode.TIMEOUT, "took longer", timeout=0.2, max_retries=0)
async def async_endless():
    await asyncio.sleep(60)


@bad(ErrorCode.TIMEOUT, "took longer", timeout=0.2, max_retries=0)
def endless():
    time.sleep(60)


# What it leaves behind --------------------------------------------------------------------------


@bad()
def daemon_thread():
    threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()


@bad()
def thread():
    threading.Thread(target=time.sleep, args=(0.5,)).start()


@bad()
def thread_with_context(ctx: StepContext):
    def meddle():
        time.sleep(0.05)
        ctx.state["late"] = 1
        ctx.progress(0.5, "late")

    threading.Thread(target=meddle, daemon=True).start()


@bad()
def subprocesses():
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(subprocess.Popen([sys.executable, "-c", "pass"]))


@bad()
def elsewhere():
    os.chdir(tempfile.gettempdir())


@bad()
def alarmed():
    signal.signal(signal.SIGALRM, lambda *_args: os.abort())
    signal.setitimer(signal.ITIMER_REAL, 0.3)


@bad(timeout=None)
def alarmed_without_limit():
    signal.signal(signal.SIGALRM, lambda *_args: os.abort())
    signal.setitimer(signal.ITIMER_REAL, 0.3)


@bad()
def other_words():
    translation.activate("de")
    timezone.activate("Asia/Kathmandu")
    with contextlib.suppress(locale.Error):
        locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")


@bad()
async def async_leftovers():
    asyncio.get_running_loop().create_task(asyncio.sleep(60))


@bad()
def nested() -> int:
    engine = current_engine()
    workflow = engine.registry.get("good")
    return engine.start(workflow, 1, StartOptions(synchronous=True)).output


# What it does to the database -------------------------------------------------------------------


def write(name):
    AdmissionLock.objects.create(workflow_id=name)


@bad(needs_django=True)
def closed_connection():
    connection.close()


@bad(FAILED, "left a transaction open", needs_django=True)
def no_autocommit():
    transaction.set_autocommit(False)
    write("no_autocommit")


@bad(FAILED, "left a transaction open", needs_django=True)
def open_atomic():
    transaction.atomic().__enter__()
    write("open_atomic")


@bad(FAILED, "left a transaction open", needs_django=True)
def two_open_atomics():
    transaction.atomic().__enter__()
    transaction.atomic().__enter__()
    write("two_open_atomics")


@bad(FAILED, "the real reason", needs_django=True)
def open_atomic_and_an_error():
    transaction.atomic().__enter__()
    write("open_atomic_and_an_error")
    raise ValueError("the real reason")


@bad(ErrorCode.TIMEOUT, "took longer", needs_django=True, timeout=0.3, max_retries=0)
def open_atomic_and_no_end():
    transaction.atomic().__enter__()
    write("open_atomic_and_no_end")
    time.sleep(60)


@bad(FAILED, "caught a database error", needs_django=True, atomic=True)
def swallowed_error():
    write("swallowed_error")
    with contextlib.suppress(IntegrityError):
        write("swallowed_error")


@bad(needs_django=True, atomic=True)
def contained_error():
    write("contained_error")
    with contextlib.suppress(IntegrityError), transaction.atomic():
        write("contained_error")


@bad(FAILED, "left an atomic() open", needs_django=True, atomic=True)
def inner_atomic():
    transaction.atomic().__enter__()
    write("inner_atomic")


@bad(FAILED, "closed the database connection", needs_django=True, atomic=True)
def closed_in_atomic():
    write("closed_in_atomic")
    connection.close()


@bad(FAILED, needs_django=True, atomic=True)
def committing():
    transaction.commit()


@bad(FAILED, "async", needs_django=True)
async def orm_in_async():
    try:
        write("orm_in_async")
    except SynchronousOnlyOperation as error:
        raise ValueError("async") from error


# Only for workers: these end their process ------------------------------------------------------

DEADLY = {}


def deadly(handler):
    made = step(handler, **_FAST)
    DEADLY[made.id] = made
    return handler


@deadly
def hard_exit():
    os._exit(7)


@deadly
def aborting():
    os.abort()


# What comes after -------------------------------------------------------------------------------


@step
def good(n: int) -> int:
    if threading.current_thread() is threading.main_thread():
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0, "no time limit"
    assert translation.get_language() != "de"
    assert "Kathmandu" not in timezone.get_current_timezone_name()
    return n + 1


@step(atomic=True)
def good_and_atomic(n: int) -> int:
    write(f"good-{time.monotonic_ns()}-{os.getpid()}")
    return n + 1
