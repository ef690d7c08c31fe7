"""The same for async code: twins that do their work in a thread, with no logic of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from gorkflow.engine.clock import Clock, SystemClock

Me = TypeVar("Me")
Args = ParamSpec("Args")
Result = TypeVar("Result")


def twin(
    method: Callable[Concatenate[Me, Args], Result],
) -> Callable[Concatenate[Me, Args], Coroutine[Any, Any, Result]]:
    """Return a method for async code that does what this one does.

    It runs in the thread that Django has for an async view's queries, and so on its connections.
    """

    @wraps(method)
    async def act(me: Me, /, *args: Args.args, **kwargs: Args.kwargs) -> Result:
        # By its name: a subclass may have one of its own.
        own: Callable[Args, Result] = getattr(me, method.__name__)
        return await sync_to_async(own, thread_sensitive=True)(*args, **kwargs)

    act.__name__ = f"a{method.__name__}"
    act.__qualname__ = f"{method.__qualname__.rpartition('.')[0]}.{act.__name__}"
    act.__doc__ = f"Do the same as `{method.__name__}`, for async code.\n\n{method.__doc__}"
    return act


async def sleep(clock: Clock, seconds: float) -> None:
    """Wait without holding a thread, unless the clock is one of a test's."""
    if isinstance(clock, SystemClock):
        await asyncio.sleep(seconds)
    else:
        await sync_to_async(clock.sleep, thread_sensitive=True)(seconds)
