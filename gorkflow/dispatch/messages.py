"""A Celery message, made the short way where nothing is on the long one.

`Task.apply_async` asks Celery's settings four times, which under Django takes a good part of a
publication, and makes a result that nobody wants. What else it does for a task like ours is done
here: the route, the message, and all that Celery itself does to send one, signals included.

Hosts and their tools put things on the long way: a task class that names the tenant, a wrapper that
adds a trace. Wherever there may be one, `apply_async` is called.
"""

from __future__ import annotations

from types import FunctionType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from celery.app import base as apps
from celery.app import task as tasks
from celery.utils import uuid
from django.core.signals import setting_changed
from django.dispatch import receiver

_LIMITS = ("expires", "time_limit", "soft_time_limit")
_OF_A_TASK = (*_LIMITS, "ignore_result")
"""Options of a task that are no options of its message."""
_tells: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""Whether an app wants an event for each message; no setting that changes under way."""
_eager: WeakKeyDictionary[Any, tuple[Any, bool]] = WeakKeyDictionary()
"""For an app its configuration, and whether that is eager by the host's settings."""


def is_eager(app: Any) -> bool:
    """Tell whether the app runs tasks where they are sent.

    To ask Celery takes the calling thread as much time as everything else about a message, so the
    answer is kept until Django tells that settings have changed, as in tests. What is set on the
    app itself counts at once.
    """
    conf = app.conf
    if any(name.lower().endswith("always_eager") for name in conf.changes):
        return bool(conf.task_always_eager)
    known = _eager.get(app)
    if known is None or known[0] is not conf:
        known = _eager[app] = (conf, bool(conf.task_always_eager))
    return known[1]


@receiver(setting_changed)
def _forget(**_kwargs: Any) -> None:
    _eager.clear()


def send(task: Any, kwargs: dict[str, str], producer: Any, **options: Any) -> None:
    """Do what `task.apply_async(kwargs=kwargs, producer=producer, **options)` does.

    Args:
        task: Celery's, one that ignores its result, on an app that is not eager.
        kwargs: of the task.
        producer: kombu's.
        options: a queue at least.

    """
    if has_short_way(task) and "countdown" not in options:
        try:
            _send(task, kwargs, producer, options)
        except (AttributeError, TypeError):
            # Another Celery than those we know. What a host's own route raises comes again below.
            pass
        else:
            return
    task.apply_async(kwargs=kwargs, producer=producer, ignore_result=True, **options)


def has_short_way(task: Any) -> bool:
    """Tell whether the task and its app send messages as Celery's own do."""
    return (
        _is_celerys(task.apply_async, tasks)
        and _is_celerys(task.shadow_name, tasks)
        and _is_celerys(task.app.send_task, apps)
        and all(getattr(task, name) is None for name in _LIMITS)
    )


def _is_celerys(method: Any, module: ModuleType) -> bool:
    # A wrapper may pass for what is in it, but is of another type.
    if type(method) is not MethodType or type(method.__func__) is not FunctionType:
        return False
    return method.__func__.__globals__ is vars(module)


def _send(task: Any, kwargs: dict[str, str], producer: Any, options: dict[str, Any]) -> None:
    app, amqp = task.app, task.app.amqp
    tells = _tells.get(app)
    if tells is None:
        tells = _tells[app] = bool(app.conf.task_send_sent_event)
    options = {**task._get_exec_options(), **options}  # noqa: SLF001  what Celery itself asks
    for name in _OF_A_TASK:
        options.pop(name, None)
    options = amqp.router.route(options, task.name, (), kwargs, task)
    message = amqp.create_task_message(
        uuid(),
        task.name,
        (),
        kwargs,
        reply_to=app.thread_oid,
        create_sent_event=tells,
        ignore_result=True,
        **options,
    )
    amqp.send_task_message(producer, task.name, message, **options)
