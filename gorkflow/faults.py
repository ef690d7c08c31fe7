"""Fault points: the places between two commits where a test lets a process die, or an error rise.

For tests alone, this project's and those of a host that wants to see its own workflows recover:

    with inject(FaultPoint.AFTER_CLAIM, raising(MemoryError("no more")), step_id="charge") as fault:
        ...
    assert fault.fired

Another process, a Celery worker say, arms its faults itself: in the module of its Celery app, by
`inject(FaultPoint.IN_HANDLER, kill_process, step_id="charge").install()`. Nothing here reads a
setting or an environment variable, and as long as no fault is installed a fault point costs one
comparison.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from uuid import UUID


class FaultPoint(StrEnum):
    """An arrow on the way of a step, in the order in which a worker comes by."""

    BEFORE_CLAIM = "before_claim"
    """A message has come, nothing has been claimed. Knows the run alone."""
    AFTER_CLAIM = "after_claim"
    """The claim is committed and the handler has not begun."""
    IN_HANDLER = "in_handler"
    """The handler is about to be called; again each time it calls `ctx.progress()`."""
    AFTER_EFFECT = "after_effect"
    """The handler has returned, and nobody knows but this process."""
    IN_FINISH = "in_finish"
    """Inside the transaction that stores the result; of an atomic step once more before its end.

    Where one statement is the whole transaction (the fast path of PostgreSQL, the memory store)
    right before it.
    """
    AFTER_COMMIT = "after_commit"
    """The result is committed; no observer, log or worker has been told."""
    BEFORE_PUBLISH = "before_publish"
    """Before each message that the Celery dispatcher sends. Knows the run alone."""
    BEFORE_ACK = "before_ack"
    """The Celery task is done, its message is not acknowledged. Knows the run alone."""
    IN_HEARTBEAT = "in_heartbeat"
    """Before the leases that this process holds are renewed, once for each. Knows the run alone."""
    IN_SWEEP = "in_sweep"
    """Before a sweep sends a message again, which by then counts as sent, and before it takes a
    step from a worker that is lost. The former knows the run alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A fault point as a fault meets it; what is not known there is empty."""

    point: FaultPoint
    run_id: str = ""
    workflow_id: str = ""
    step_id: str = ""
    attempt: int | None = None


Act = Callable[[Place], None]
"""What a fault does; it raises, ends the process, or returns and does no harm."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What is to happen at a point; armed for the time of a `with` block, or by `install`."""

    point: FaultPoint
    act: Act
    where: Mapping[str, object]
    skip: int
    times: int
    fired: int = 0
    """How often it has acted in this process."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def install(self) -> Self:
        """Arm it in this process and in those that it forks from now on."""
        with _changing:
            _armed.faults = (*(_armed.faults or ()), self)
        return self

    def remove(self) -> None:
        """Disarm it."""
        with _changing:
            _armed.faults = tuple(each for each in _armed.faults or () if each is not self) or None

    def __enter__(self) -> Self:
        return self.install()

    def __exit__(self, *_error: object) -> None:
        self.remove()

    def meet(self, place: Place) -> None:
        """Act, if this is its place and its turn has come."""
        if place.point is not self.point:
            return
        if any(getattr(place, name) != wanted for name, wanted in self.where.items()):
            return
        with self._lock:
            if self.skip > 0:
                self.skip -= 1
                return
            if self.fired >= self.times:
                return
            self.fired += 1
        self.act(place)


def inject(  # noqa: PLR0913
    point: FaultPoint,
    act: Act,
    *,
    run_id: UUID | str | None = None,
    workflow_id: str | None = None,
    step_id: str | None = None,
    attempt: int | None = None,
    skip: int = 0,
    times: int = 1,
) -> Fault:
    """Return a fault for a `with` block, or to `install()`.

    Args:
        point: where.
        act: what happens there: `raising(...)`, `exit_process`, `kill_process`, or a function of
            your own that is given the Place.
        run_id: only in this run.
        workflow_id: only in runs of this workflow, where the point knows it.
        step_id: only at this step, where the point knows it.
        attempt: only at the attempt of this number, where the point knows it.
        skip: how often the place is passed unharmed before.
        times: how often it acts at most, in each process.

    """
    wanted = {
        "run_id": None if run_id is None else str(run_id),
        "workflow_id": workflow_id,
        "step_id": step_id,
        "attempt": attempt,
    }
    where = {name: value for name, value in wanted.items() if value is not None}
    return Fault(point=FaultPoint(point), act=act, where=where, skip=skip, times=times)


def raising(error: BaseException) -> Act:
    """Return an act that raises the error."""

    def act(_place: Place) -> None:
        raise error

    return act


def exit_process(_place: Place) -> None:
    """End the process at once with exit code 70: no `finally`, no rollback, no flush."""
    os._exit(70)


def kill_process(_place: Place) -> None:
    """End the process by SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # the signal may come a moment later


class _Armed:
    """The faults of this process; None as long as there are none."""

    faults: tuple[Fault, ...] | None = None


_armed = _Armed()
_changing = threading.Lock()


def reach(point: FaultPoint, subject: object = None, *, run_id: object = None) -> None:
    """Say that this place is reached; whatever an armed fault raises passes through.

    Args:
        point: the place.
        subject: what is at work there, for what it carries: a claim, a hint, a lease's beat.
        run_id: the run, where there is nothing but its id.

    """
    faults = _armed.faults
    if faults is None:
        return
    place = Place(
        point=point,
        run_id=str(run_id or getattr(subject, "run_id", "")),
        workflow_id=getattr(subject, "workflow_id", ""),
        step_id=getattr(subject, "step_id", ""),
        attempt=getattr(subject, "attempt", None),
    )
    for fault in faults:
        fault.meet(place)
