"""`?wait=20`: an answer when something has changed, so that a client need not ask all the time.

A request that waits holds a thread of the server, and where servers have few of them (WSGI) those
that wait can keep out the others. So it is bounded in time and, in each process, in number.
"""

from __future__ import annotations

import threading
import time

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from gorkflow.engine import Engine
from gorkflow.records import RunRecord
from gorkflow.settings import get_settings

WAIT = "wait"
MAX_WAITING = 32
FIRST_PAUSE = 0.05
LAST_PAUSE = 1.0

_places = threading.BoundedSemaphore(MAX_WAITING)


def read_wait(request: Request) -> float:
    """Return the seconds that the request is ready to wait, no more than are allowed."""
    text = request.query_params.get(WAIT, "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValidationError({WAIT: ["Must be seconds, 0 or more."]})
    return min(seconds, get_settings().api_max_wait)


def wait_for_change(engine: Engine, run: RunRecord, seconds: float) -> RunRecord:
    """Return the run once its status or progress is another, or has ended, or time is up.

    Where too many wait already it returns at once.

    Raises:
        NotFoundError: it was pruned meanwhile.

    """
    if run.status.is_terminal or seconds <= 0 or not _places.acquire(blocking=False):
        return run
    try:
        return _poll(engine, run, time.monotonic() + seconds)
    finally:
        _places.release()


def _poll(engine: Engine, run: RunRecord, until: float) -> RunRecord:
    pause, now = FIRST_PAUSE, run
    while now == run:
        left = until - time.monotonic()
        if left <= 0:
            break
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LAST_PAUSE)
        now = engine.get_run(run.id)
    return now
