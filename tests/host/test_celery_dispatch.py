"""What is published, and how quickly publishing gives up."""

import os
import time

import pytest
from kombu import Connection

from gorkflow.dispatch.base import Hint
from gorkflow.dispatch.celery import CeleryDispatcher
from gorkflow.engine.starting import new_run_id


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

    CeleryDispatcher(using="default")._publish(hint)

    (message,) = published(url, "q1")
    assert message.content_type == "application/json"
    assert message.payload[:2] == [[], {"run_id": str(hint.run_id), "queue": "q1"}]
    assert message.properties["priority"] == 7
    assert len(message.body) < 400


@pytest.mark.django_db
def test_a_broker_that_is_away_costs_the_caller_next_to_nothing(publishing, capsys):
    publishing("redis://127.0.0.1:1/0")
    dispatcher = CeleryDispatcher(using="default")
    began = time.monotonic()

    for _ in range(50):
        dispatcher._publish(Hint(run_id=new_run_id(), queue="q1"))

    # The first one fails to connect; the rest are left to the sweep without a try.
    assert time.monotonic() - began < 5
    assert capsys.readouterr().out.count("dispatch_failed") == 1


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
        CeleryDispatcher(using="default")._publish(hint)

    order = [message.properties["priority"] for message in published(url, queue)]
    assert order == [0, 4, 8]
