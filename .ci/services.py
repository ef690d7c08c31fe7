"""What .ci/run asks of databases and brokers: services.py COMMAND URL [QUEUE].

answers     exit code 0 if the server lets us in
create      make the database of the URL, anew if it is there
drop        remove it
free-redis  print the URL of an empty database of that Redis
flush       empty the Redis database of the URL
purge       empty a queue of the RabbitMQ of the URL
"""

import sys
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
import redis
from kombu import Connection, Queue


def connect_to_server(url):
    """Connect to a database server, not to the database that the URL names."""
    parts = urlsplit(url)
    if parts.scheme == "postgres":
        return psycopg.connect(
            host=parts.hostname,
            port=parts.port,
            user=parts.username,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )
    import MySQLdb  # noqa: PLC0415  built only where there is a MariaDB to talk to

    return MySQLdb.connect(
        host=parts.hostname, port=parts.port, user=parts.username, connect_timeout=5
    )


def answers(url):
    try:
        match urlsplit(url).scheme:
            case "redis":
                redis.Redis.from_url(url, socket_timeout=5).ping()
            case "amqp":
                with Connection(url, connect_timeout=5) as connection:
                    connection.connect()
            case "libsql":
                urlopen(f"http://{urlsplit(url).netloc}/health", timeout=5).close()
            case _:
                connect_to_server(url).close()
    except Exception as error:  # noqa: BLE001  each client has its own
        return f"{type(error).__name__}: {error}"
    return None


def drop(url):
    database = urlsplit(url).path.strip("/")
    force = "WITH (FORCE)" if url.startswith("postgres") else ""
    for name in (database, f"test_{database}"):
        with connect_to_server(url) as connection:
            connection.cursor().execute(f"DROP DATABASE IF EXISTS {name} {force}")


def create(url):
    drop(url)
    with connect_to_server(url) as connection:
        connection.cursor().execute(f"CREATE DATABASE {urlsplit(url).path.strip('/')}")


def free_redis(server):
    for number in range(15, 0, -1):
        url = f"{server}/{number}"
        if not redis.Redis.from_url(url).dbsize():
            print(url)
            return None
    return "none of its databases 1 to 15 is empty"


def flush(url):
    redis.Redis.from_url(url).flushdb()


def purge(url, name):
    with Connection(url) as connection:
        queue = Queue(name)(connection.default_channel)
        queue.declare()
        queue.purge()


COMMANDS = {
    "answers": answers,
    "create": create,
    "drop": drop,
    "free-redis": free_redis,
    "flush": flush,
    "purge": purge,
}

if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    sys.exit(COMMANDS[command](*arguments))
