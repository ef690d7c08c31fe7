"""The short way to a Celery message: what comes of it, and whom it does not pass by."""

import functools

import pytest
from celery import Celery, signals
from celery.app.task import Task

from gorkflow.dispatch import messages

QUEUE = "short"
KWARGS = {"run_id": "1", "queue": QUEUE}
HOW = {"queue": QUEUE, "priority": 3, "argsrepr": "()", "kwargsrepr": "{}", "retry": True}
OWN = {"id", "root_id", "correlation_id", "delivery_tag"}
"""What differs from one message to the next."""


def by_function(_name, _args, _kwargs, options, **_task):
    """Look at an option that is not ours."""
    return {"headers": {"key": options["routing_key"]}}


ROUTE = {"queue": "other", "serializer": "yaml", "headers": {"from": "a route"}}
OPTIONS = [
    {},
    {"task_protocol": 1},
    {"task_compression": "gzip"},
    {"task_send_sent_event": True},
    {"task_annotations": {"*": {"priority": 9, "delivery_mode": 1}}},
    {"task_routes": {"wor*": ROUTE}},
    {"task_routes": [by_function]},
]


class Named(Task):
    """One that gives messages another name to be shown."""

    def shadow_name(self, args, kwargs, options):
        return "shadow"


class Tenant(Task):
    """A host's task class that has each message say whose it is."""

    def apply_async(self, *args, **options):
        return super().apply_async(*args, headers={"tenant": "blue"}, **options)


def work(**_what):
    """Do nothing: nobody consumes these messages."""


@pytest.fixture
def make_task():
    """Return a function that makes a task of an app with a broker of its own, in memory."""
    apps = []

    def make(base=Task, **options):
        app = Celery("host", broker="memory://", set_as_current=False)
        app.conf.update(options)
        apps.append(app)
        return app.task(work, name="work", ignore_result=True, base=base)

    yield make
    for app in apps:
        app.close()


def sent(task, send):
    """Return the one message that `send` sends with a producer."""
    with task.app.producer_pool.acquire(block=True) as producer:
        send(producer)
        with producer.connection.SimpleQueue(QUEUE) as queue:
            message = queue.get(block=False)
            message.ack()
            return message


def briefly(task, **how):
    return sent(task, lambda producer: messages.send(task, KWARGS, producer, **HOW, **how))


def at_length(task, **how):
    return sent(
        task,
        lambda producer: task.apply_async(
            kwargs=KWARGS, producer=producer, ignore_result=True, **HOW, **how
        ),
    )


def others(found):
    return {name: value for name, value in found.items() if name not in OWN}


@pytest.mark.parametrize("options", OPTIONS)
def test_the_short_way_leads_to_the_same_message(make_task, options):
    task, is_old = make_task(**options), "task_protocol" in options

    short, long = briefly(task), at_length(task)

    assert messages.has_short_way(task)
    assert (
        others(short.payload) == others(long.payload) if is_old else short.payload == long.payload
    )
    assert others(short.headers) == others(long.headers)
    assert others(short.properties) == others(long.properties)
    assert short.content_type == long.content_type == "application/json"


def test_the_short_way_tells_who_listens_for_messages(make_task):
    task = make_task()
    told = []

    def before(headers, **_what):
        headers["trace"] = "t1"
        told.append("before")

    def after(**_what):
        told.append("after")

    signals.before_task_publish.connect(before, sender="work")
    signals.after_task_publish.connect(after, sender="work")

    assert briefly(task).headers["trace"] == "t1"
    assert told == ["before", "after"]


def test_a_task_class_that_adds_to_messages_is_not_passed_by(make_task):
    task = make_task(base=Tenant)

    assert not messages.has_short_way(task)
    assert briefly(task).headers["tenant"] == "blue"


def test_a_name_that_a_task_class_gives_to_messages_is_not_passed_by(make_task):
    assert briefly(make_task(base=Named)).headers["shadow"] == "shadow"


def test_a_method_that_a_tool_has_wrapped_is_not_passed_by(make_task, monkeypatch):
    task, called = make_task(), []
    original = Task.apply_async

    @functools.wraps(original)
    def traced(self, *args, **options):
        called.append(self.name)
        return original(self, *args, **options)

    monkeypatch.setattr(Task, "apply_async", traced)
    briefly(task)

    assert called == ["work"]


@pytest.mark.parametrize("owner", ["task", "app"])
def test_an_object_that_passes_for_a_method_is_not_passed_by(make_task, monkeypatch, owner):
    task = make_task()
    at, name = (task, "apply_async") if owner == "task" else (task.app, "send_task")
    monkeypatch.setattr(at, name, functools.partial(getattr(at, name)))

    assert not messages.has_short_way(task)


def test_limits_that_a_host_has_given_the_task_are_not_passed_by(make_task):
    task = make_task(task_annotations={"work": {"time_limit": 60}})

    assert briefly(task).headers["timelimit"] == [60, None]


def test_another_celery_than_those_that_are_known_is_sent_through_at_length(make_task, monkeypatch):
    task, refused = make_task(), []
    make_message = task.app.amqp.create_task_message

    def make_otherwise(*args, **options):
        if "create_sent_event" in options:
            refused.append(options)
            raise TypeError("unexpected keyword argument 'create_sent_event'")
        return make_message(*args, **options)

    monkeypatch.setattr(task.app.amqp, "create_task_message", make_otherwise)

    assert briefly(task).headers["task"] == "work"
    assert len(refused) == 1


@pytest.fixture
def app():
    """Return the app of a host whose Celery settings are Django's."""
    app = Celery("eager", set_as_current=False)
    app.config_from_object("django.conf:settings", namespace="CELERY")
    yield app
    app.close()


def test_whether_an_app_is_eager_is_asked_again_when_djangos_settings_change(app, settings):
    found = [messages.is_eager(app)]
    for value in (True, False):
        settings.CELERY_TASK_ALWAYS_EAGER = value
        found += [messages.is_eager(app), messages.is_eager(app)]

    assert found == [False, True, True, False, False]


def test_what_is_set_on_an_app_itself_counts_at_once(app):
    found = [messages.is_eager(app)]
    app.conf.task_always_eager = True
    found.append(messages.is_eager(app))
    app.conf.task_always_eager = False
    found.append(messages.is_eager(app))
    app.conf.update(CELERY_TASK_ALWAYS_EAGER=True)
    del app.conf.changes["task_always_eager"]
    found.append(messages.is_eager(app))

    assert found == [False, True, False, True]


def test_an_app_that_is_configured_anew_is_asked_anew(app):
    assert not messages.is_eager(app)

    app.config_from_object({"task_always_eager": True})

    assert messages.is_eager(app)


def test_an_app_without_any_configuration_is_not_eager():
    assert not messages.is_eager(Celery("bare", set_as_current=False))
