"""What is published, and how quickly publishing gives up."""

import os
import socket
import threading
import time

import pytest
from celery import current_app
from django.db import connections
from kombu import Connection

from gorkflow import RunStatus, tasks
from gorkflow.dispatch import celery
from gorkflow.dispatch.base import Hint
from gorkflow.dispatch.celery import CeleryDispatcher
from gorkflow.dispatch.sender import Sender
from gorkflow.dispatch.sqlite_broker import Channel
from gorkflow.dispatch.sqlite_file import BrokerFileError
from gorkflow.engine.starting import new_run_id
from gorkflow.engine.worker import worker_name
from gorkflow.wiring import get_engine
from tests.shop.workflows import Job, plain

WAIT = 20


def publish(hint):
    dispatcher = CeleryDispatcher(using="default")
    dispatcher._take(hint)
    dispatcher.flush()


def published(url, queue):
    """Return the messages of a queue in the order in which a worker gets them."""
    found = []
    with Connection(url) as connection, connection.SimpleQueue(queue) as messages:
        while True:
            try:
                message = messages.get(timeout=1)
            except messages.Empty:
                return found
            message.ack()
            found.append(message)


@pytest.mark.django_db
def test_a_message_carries_ids_alone_as_json(tmp_path, publishing):
    url = f"sqlitefile://{tmp_path}/broker.sqlite3"
    publishing(url)
    hint = Hint(run_id=new_run_id(), queue="q1", priority=7)

    publish(hint)

    (message,) = published(url, "q1")
    assert message.content_type == "application/json"
    assert message.payload[:2] == [[], {"run_id": str(hint.run_id), "queue": "q1"}]
    assert message.properties["priority"] == 7
    assert len(message.body) < 400


@pytest.mark.django_db
def test_a_message_survives_a_connection_that_has_died_unnoticed(tmp_path, publishing, monkeypatch):
    url = f"sqlitefile://{tmp_path}/broker.sqlite3"
    publishing(url)
    hint = Hint(run_id=new_run_id(), queue="q1")
    original = Channel._put

    def fail_once(self, *message, **where):
        monkeypatch.setattr(Channel, "_put", original)
        raise BrokerFileError("gone")

    monkeypatch.setattr(Channel, "_put", fail_once)
    publish(hint)

    assert [message.payload[1]["run_id"] for message in published(url, "q1")] == [str(hint.run_id)]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_costs_the_caller_next_to_nothing(publishing, capsys, monkeypatch):
    monkeypatch.setattr(celery, "PAUSE_SECONDS", 60)
    publishing("redis://127.0.0.1:1/0")
    dispatcher = CeleryDispatcher(using="default")

    for _ in range(50):
        dispatcher.send(Hint(run_id=new_run_id(), queue="q1"))
    dispatcher.flush()

    # The first one fails to connect; the rest are left to the sweep without a try.
    assert capsys.readouterr().out.count("dispatch_failed") == 1


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_takes_connections_and_never_answers_holds_no_caller_up(
    publishing, capsys, monkeypatch
):
    monkeypatch.setattr(celery, "PATIENCE_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publishing(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        dispatcher = CeleryDispatcher(using="default")
        began = time.monotonic()

        for _ in range(50):
            dispatcher.send(Hint(run_id=new_run_id(), queue="q1"))
        dispatcher.flush()
        for _ in range(50):
            dispatcher.send(Hint(run_id=new_run_id(), queue="q1"))

        assert time.monotonic() - began < celery.PAUSE_SECONDS
    assert capsys.readouterr().out.count("no answer within 0.05 s") == 1


@pytest.mark.django_db(transaction=True)
def test_during_a_silence_nothing_is_tried_and_after_it_all_is(monkeypatch):
    asked, answered, sent = threading.Event(), threading.Event(), []

    def publish_slowly(hint):
        asked.set()
        answered.wait(WAIT)
        sent.append(hint)

    monkeypatch.setattr(celery, "_publish", publish_slowly)
    monkeypatch.setattr(celery, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(celery, "PAUSE_SECONDS", 0.0)
    dispatcher = CeleryDispatcher(using="default")
    hints = [Hint(run_id=new_run_id(), queue="q1") for _ in range(3)]

    dispatcher.send(hints[0])
    assert asked.wait(WAIT)
    dispatcher.flush()  # as long as its patience lasts
    dispatcher.send(hints[1])
    answered.set()
    monkeypatch.setattr(celery, "PATIENCE_SECONDS", WAIT)
    dispatcher.flush()
    dispatcher.send(hints[2])
    dispatcher.flush()

    assert sent == [hints[0], hints[2]]


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_has_been_silent_for_long_is_asked_by_another_thread(monkeypatch):
    asked, silent, sent = threading.Event(), threading.Event(), []

    def publish(hint):
        if not sent:
            sent.append(hint)
            asked.set()
            silent.wait(WAIT)
        sent.append(hint)

    monkeypatch.setattr(celery, "_publish", publish)
    monkeypatch.setattr(celery, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(celery, "STUCK_SECONDS", 0.05)
    monkeypatch.setattr(celery, "PAUSE_SECONDS", 0.0)
    dispatcher = CeleryDispatcher(using="default")
    hints = [Hint(run_id=new_run_id(), queue="q1") for _ in range(3)]

    dispatcher.send(hints[0])
    assert asked.wait(WAIT)
    dispatcher.flush()
    dispatcher.send(hints[1])  # finds it stuck, and gives it up
    dispatcher.send(hints[2])
    monkeypatch.setattr(celery, "PATIENCE_SECONDS", WAIT)
    dispatcher.flush()
    silent.set()

    assert sent[:2] == [hints[0], hints[2]]


@pytest.mark.django_db(transaction=True)
def test_whoever_sends_faster_than_the_broker_takes_waits_for_it(monkeypatch):
    going_on, asked = threading.Semaphore(0), threading.Event()

    def publish_slowly(_hint):
        asked.set()
        going_on.acquire(timeout=WAIT)

    monkeypatch.setattr(celery, "_publish", publish_slowly)
    monkeypatch.setattr(celery, "BACKLOG", 2)
    dispatcher = CeleryDispatcher(using="default")
    hints = [Hint(run_id=new_run_id(), queue="q1") for _ in range(6)]

    def send_the_rest():
        for hint in hints[1:]:
            dispatcher.send(hint)
        connections.close_all()

    sender = threading.Thread(target=send_the_rest)

    dispatcher.send(hints[0])
    assert asked.wait(WAIT)
    sender.start()
    while dispatcher._sender.waiting <= celery.BACKLOG:
        assert sender.is_alive()
    assert sender.is_alive()
    going_on.release(len(hints))
    sender.join(WAIT)

    assert not sender.is_alive()
    dispatcher.flush()
    assert dispatcher._sender.waiting == 0


@pytest.mark.django_db
def test_a_higher_priority_goes_first_on_redis_too(publishing):
    url = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/9")
    try:
        Connection(url).ensure_connection(max_retries=1, timeout=2)
    except OSError as error:
        need = pytest.fail if os.environ.get("CI") else pytest.skip
        need(f"needs Redis at {url} (REDIS_URL): {error}")
    publishing(url)
    queue = f"q-{new_run_id()}"

    for priority in (5, 1, 9):
        hint = Hint(run_id=new_run_id(), queue=queue, priority=priority)
        publish(hint)

    order = [message.properties["priority"] for message in published(url, queue)]
    assert order == [0, 4, 8]


@pytest.mark.django_db(transaction=True)
def test_a_message_that_comes_into_a_shutdown_is_sent_on_once(tmp_path, publishing, monkeypatch):
    url = f"sqlitefile://{tmp_path}/broker.sqlite3"
    publishing(url)
    run = plain.start(Job(), priority=7)
    queue = run.steps()[0].queue
    get_engine().dispatcher.flush()
    published(url, queue)
    monkeypatch.setattr(tasks, "is_stopping", lambda: True)
    monkeypatch.setattr(tasks, "_handed_over", set())

    tasks.work(str(run.id), queue)

    (message,) = published(url, queue)
    assert message.payload[1] == {"run_id": str(run.id), "queue": queue}
    assert message.properties["priority"] == 7
    assert run.refresh().status is RunStatus.PENDING
    tasks.work(str(run.id), queue)  # nobody else was there to take it
    assert run.refresh().status is not RunStatus.PENDING


@pytest.mark.django_db(transaction=True)
def test_a_worker_sees_its_messages_off_before_it_acknowledges_its_own(monkeypatch):
    """Killed before that it would leave steps that are ready to the sweep."""
    waited_for, sent = threading.Event(), []
    finish = Sender.finish

    def tell_and_finish(self, seconds):
        waited_for.set()
        return finish(self, seconds)

    monkeypatch.setattr(Sender, "finish", tell_and_finish)
    monkeypatch.setattr(
        celery, "_publish", lambda hint: waited_for.wait(WAIT) and sent.append(hint)
    )
    monkeypatch.setattr(tasks, "is_stopping", lambda: True)
    monkeypatch.setattr(tasks, "_handed_over", set())
    run = plain.start(Job())
    sent_by_start = Hint(run_id=run.id, queue=run.steps()[0].queue)

    tasks.work(str(run.id), sent_by_start.queue)

    assert sent == [sent_by_start] * 2


@pytest.mark.django_db(transaction=True)
def test_an_eager_app_does_the_work_in_the_callers_thread_without_a_broker(
    publishing, monkeypatch, capsys
):
    publishing("redis://127.0.0.1:1/0")
    monkeypatch.setitem(current_app.conf, "task_always_eager", True)
    monkeypatch.setattr(get_engine(), "dispatcher", CeleryDispatcher(using="default"))

    run = plain.start(Job())

    assert run.refresh().status is RunStatus.COMPLETED
    assert {each.worker for each in run.steps()} == {worker_name()}
    assert "dispatch_failed" not in capsys.readouterr().out
