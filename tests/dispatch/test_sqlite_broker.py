"""The embedded broker: what a message survives, and what two connections see of each other."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from kombu import Connection, Consumer, Exchange, Producer, Queue
from kombu.asynchronous import Hub
from kombu.exceptions import OperationalError

from gorkflow.dispatch import sqlite_broker

QUEUE = Queue("work", Exchange("work", type="direct"), routing_key="work")


@pytest.fixture
def url(tmp_path):
    return f"sqlitefile://{tmp_path}/broker.sqlite3"


@pytest.fixture
def connect(url):
    connections = []

    def connect(**options):
        options = {"polling_interval": 0.005} | options
        connection = Connection(url, transport_options=options)
        connections.append(connection)
        return connection

    yield connect
    for connection in connections:
        connection.release()


def publish(connection, *bodies, queue=QUEUE, **options):
    with Producer(connection.default_channel) as producer:
        for body in bodies:
            producer.publish(body, routing_key=queue.name, declare=[queue], **options)


def take(connection, count, *, prefetch=0, timeout=20.0):
    """Consume until `count` messages came, or as many as came in `timeout` seconds."""
    messages = []
    channel = connection.channel()
    channel.basic_qos(prefetch_count=prefetch)
    with Consumer(channel, [QUEUE], on_message=messages.append):
        while len(messages) < count:
            try:
                connection.drain_events(timeout=timeout)
            except TimeoutError:
                break
    return messages


def payloads(messages):
    return [message.decode() for message in messages]


def until(condition, *, timeout=40.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def rows(connection):
    sql = "SELECT count(*), count(owner) FROM message"
    return tuple(connection.transport.file.execute(sql)[0])


def claim_and_wait(url, claimed):
    connection = Connection(url, transport_options={"polling_interval": 0.005, "lease": 0.3})
    take(connection, 1)
    claimed.set()
    signal.pause()


def publish_some(url, start, name):
    start.wait()
    with Connection(url) as connection:
        publish(connection, *[f"{name}-{number}" for number in range(20)])


def test_a_message_is_delivered_in_order_and_deleted_by_its_acknowledgement(connect):
    publish(connect(), "first", "second")
    worker = connect()

    messages = take(worker, 2)

    assert payloads(messages) == ["first", "second"]
    assert rows(worker) == (2, 2)
    for message in messages:
        message.ack()
    assert rows(worker) == (0, 0)


def test_a_worker_may_wait_before_the_file_exists(connect, tmp_path):
    worker = connect()
    found = []
    thread = threading.Thread(target=lambda: found.extend(take(worker, 1)))
    thread.start()
    until((tmp_path / "broker.sqlite3").exists)

    publish(connect(), "hello")

    thread.join()
    assert payloads(found) == ["hello"]


def test_a_higher_priority_goes_first(connect):
    sender = connect()
    for priority in (0, 9, 5, 9):
        publish(sender, priority, priority=priority)

    assert payloads(take(connect(), 4)) == [9, 9, 5, 0]


def test_prefetch_leaves_the_rest_to_other_workers(connect):
    publish(connect(), *range(5))
    first, second = connect(), connect()

    assert payloads(take(first, 3, prefetch=2, timeout=0.05)) == [0, 1]
    assert payloads(take(second, 3)) == [2, 3, 4]


def test_an_acknowledgement_makes_room_in_the_prefetch_window(connect):
    publish(connect(), *range(3))
    worker = connect()
    seen = []

    def settle(message):
        seen.append(message.decode())
        message.ack()

    channel = worker.channel()
    channel.basic_qos(prefetch_count=1)
    with Consumer(channel, [QUEUE], on_message=settle):
        while len(seen) < 3:
            worker.drain_events(timeout=20)

    assert seen == [0, 1, 2]


def test_the_event_loop_is_woken_by_an_acknowledgement_in_another_thread(connect):
    publish(connect(), *range(3))
    worker = connect(polling_interval=60)
    seen = []
    hub = Hub()
    channel = worker.channel()
    channel.basic_qos(prefetch_count=1)
    worker.transport.register_with_event_loop(worker.connection, hub)

    def settle_elsewhere(message):
        seen.append(message.decode())
        threading.Thread(target=message.ack).start()

    with Consumer(channel, [QUEUE], on_message=settle_elsewhere):
        worker.transport.wake()
        until(lambda: hub.run_once() or len(seen) == 3)
    worker.release()
    hub.close()

    assert seen == [0, 1, 2]


def test_a_rejected_message_comes_back_in_its_place_and_says_so(connect):
    publish(connect(), "first", "second")
    worker = connect()
    take(worker, 1)[0].reject(requeue=True)

    again, other = take(worker, 2)

    assert payloads([again, other]) == ["first", "second"]
    assert again.delivery_info["redelivered"] is True
    assert other.delivery_info["redelivered"] is False
    again.reject()
    other.ack()
    assert rows(worker) == (0, 0)


def test_closing_gives_unacknowledged_messages_back_at_once_and_uncounted(connect):
    publish(connect(), "one")
    for _ in range(3):
        worker = connect(max_deliveries=1)
        assert payloads(take(worker, 1)) == ["one"]
        worker.release()


def test_a_message_that_was_delivered_too_often_is_dropped_with_a_warning(connect, caplog):
    publish(connect(), "poison", "good")
    worker = connect(max_deliveries=2)
    for _ in range(2):
        take(worker, 1)[0].reject(requeue=True)

    assert payloads(take(worker, 1)) == ["good"]
    assert "delivered too often" in caplog.text


def test_a_live_worker_keeps_its_message_for_longer_than_the_lease(connect):
    publish(connect(), "long")
    holder, other = connect(lease=3.0), connect(lease=3.0)
    (message,) = take(holder, 1)
    ends = "SELECT min(ends) FROM lease"
    first = holder.transport.file.execute(ends)[0][0]
    until(lambda: time.time() > first)

    other.transport.file.hold()

    assert take(other, 1, timeout=0.05) == []
    message.ack()
    assert rows(other) == (0, 0)


def test_the_message_of_a_killed_worker_is_delivered_again_after_the_lease(url, connect):
    publish(connect(), "precious")
    context = multiprocessing.get_context("spawn")
    claimed = context.Event()
    victim = context.Process(target=claim_and_wait, args=(url, claimed))
    victim.start()
    assert claimed.wait(30)
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    victim.close()
    worker = connect(lease=0.3)
    worker.transport.file.hold()

    (message,) = take(worker, 1)

    assert message.decode() == "precious"
    assert message.delivery_info["redelivered"] is True


def test_a_late_acknowledgement_does_not_touch_the_new_owners_message(connect):
    publish(connect(), "contested")
    slow, quick = connect(), connect()
    (stale,) = take(slow, 1)
    slow.transport.file.execute("DELETE FROM lease")
    quick.transport.file.hold()
    quick.transport.file.renew()
    (fresh,) = take(quick, 1)

    stale.ack()

    assert rows(quick) == (1, 1)
    fresh.ack()
    assert rows(quick) == (0, 0)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_neither_settles_nor_closes_what_its_parent_holds(connect):
    publish(connect(), "parental")
    worker = connect()
    (message,) = take(worker, 1)

    child = os.fork()
    if not child:
        try:
            message.channel.basic_ack(message.delivery_tag)
            publish(worker, "filial")
            worker.release()
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert rows(worker) == (2, 1)
    message.ack()
    assert payloads(take(worker, 1)) == ["filial"]


def test_processes_that_create_the_file_together_lose_nothing(url, connect):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    senders = [context.Process(target=publish_some, args=(url, start, n)) for n in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
        assert sender.exitcode == 0
        sender.close()

    expected = {f"{name}-{number}" for name in range(3) for number in range(20)}
    assert expected == set(payloads(take(connect(), 60)))


def test_a_fanout_reaches_every_bound_queue_and_each_settles_its_own_copy(connect):
    news = Exchange("news", type="fanout")
    sender, worker = connect(), connect()
    queues = [Queue(name, news, auto_delete=True) for name in ("left", "right")]
    for queue in queues:
        queue(worker.default_channel).declare()

    with Producer(sender.default_channel) as producer:
        producer.publish("extra", exchange=news, declare=[news])

    left, right = (queue(worker.default_channel).get() for queue in queues)
    assert payloads([left, right]) == ["extra", "extra"]
    left.ack()
    assert rows(worker) == (1, 1)


def test_a_transient_queue_ends_with_its_connection(connect):
    sender, worker = connect(), connect()
    mine = Queue("mine", Exchange("news", type="fanout"), exclusive=True)
    mine(worker.default_channel).declare()
    with Producer(sender.default_channel) as producer:
        producer.publish("unread", routing_key="mine")
    assert rows(sender) == (1, 0)

    worker.release()

    assert rows(sender) == (0, 0)
    assert sender.default_channel.get_table("news") == []


def test_a_message_taken_without_acknowledgement_is_gone(connect):
    worker = connect()
    publish(worker, "one", "two")

    assert QUEUE(worker.default_channel).get(no_ack=True).decode() == "one"
    seen = []
    with Consumer(worker.channel(), [QUEUE], on_message=seen.append, no_ack=True):
        worker.drain_events(timeout=20)

    assert payloads(seen) == ["two"]
    assert rows(worker) == (0, 0)


def test_purge_and_delete_tell_ready_messages_from_claimed_ones(connect):
    worker = connect()
    publish(worker, "claimed", "ready", "ready")
    queue = QUEUE(worker.default_channel)
    take(worker, 1, prefetch=1)

    assert queue.queue_declare().message_count == 2
    assert queue.purge() == 2
    assert rows(worker) == (1, 1)
    queue.delete(if_empty=True)
    assert rows(worker) == (0, 0)


def test_everyone_moves_on_when_the_file_is_deleted(connect, tmp_path):
    sender, worker = connect(), connect()
    publish(sender, "lost")
    rows(worker)
    for leftover in tmp_path.iterdir():
        leftover.unlink()

    publish(sender, "kept")

    assert payloads(take(worker, 1)) == ["kept"]


def test_another_database_is_left_alone(connect, tmp_path):
    other = sqlite3.connect(tmp_path / "broker.sqlite3")
    other.execute("CREATE TABLE auth_user (id)")
    other.close()

    with pytest.raises(sqlite_broker.BrokerFileError, match="holds something else"):
        connect().connect()


def test_an_unusable_directory_is_named(tmp_path):
    path = f"{tmp_path}/missing/broker.sqlite3"

    with Connection(f"sqlitefile://{path}") as connection:
        with pytest.raises(OperationalError, match=path):
            connection.ensure_connection(max_retries=1, interval_start=0)
        with pytest.raises(sqlite_broker.BrokerFileError, match=path):
            connection.connect()


def test_a_url_may_be_relative_or_quoted_but_not_empty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Connection("sqlitefile://Var/my%20broker.sqlite3") as connection:
        assert connection.transport.file.path == tmp_path / "Var/my broker.sqlite3"
        assert connection.as_uri().startswith("sqlitefile://")

    with Connection("sqlitefile://") as connection, pytest.raises(ValueError, match="no path"):
        assert connection.transport


def test_importing_the_module_is_enough_to_register_the_scheme(url):
    script = f"""
import gorkflow.dispatch.sqlite_broker
from kombu import Connection
with Connection({url!r}) as connection:
    connection.connect()
    assert connection.transport.implements.asynchronous
"""
    subprocess.run([sys.executable, "-c", script], check=True)
