"""Publishing from a process that forks, as a prefork worker's does."""

import warnings

import billiard
import pytest

from gorkflow.dispatch.base import Hint
from gorkflow.dispatch.celery import CeleryDispatcher
from gorkflow.engine.starting import new_run_id
from tests.celery_app import app

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.process]


def fork_a_pool_child():
    """Fork as Celery's pool does; the child forgets the connections that it has inherited."""
    child = billiard.Process(target=int)
    with warnings.catch_warnings():
        # From Python 3.12 on, for every process with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    child.join(20)
    assert child.exitcode == 0


def test_a_process_can_publish_after_it_has_forked(broker, capsys):
    queue = f"q-{new_run_id()}"
    hints = [Hint(run_id=new_run_id(), queue=queue) for _ in range(2)]
    dispatcher = CeleryDispatcher(using="default")

    dispatcher.send(hints[0])
    dispatcher.flush()
    fork_a_pool_child()
    dispatcher.send(hints[1])
    dispatcher.flush()

    with app.connection_for_read() as connection, connection.SimpleQueue(queue) as messages:
        found = [messages.get(timeout=5) for _ in hints]
        assert [each.payload[1]["run_id"] for each in found] == [str(h.run_id) for h in hints]
        for each in found:
            each.ack()
    assert "dispatch_failed" not in capsys.readouterr().out
