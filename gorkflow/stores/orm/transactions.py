"""Short write transactions, and trying them again when the database says "not now"."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from django.db import InterfaceError, InternalError, OperationalError, connections, transaction

from gorkflow.log import PERSISTENCE_ERROR, log

T = TypeVar("T")

ATTEMPTS = 6
FIRST_PAUSE = 0.02
CANCEL_SECONDS = 2.0
FINISH_SECONDS = 1.0
TRANSIENT = (OperationalError, InterfaceError, InternalError)
"""Deadlock, serialization failure, locked, full, lost connection: drivers report these so; the last
one, for PostgreSQL, a server that takes no writes since a failover."""


@contextmanager
def write_transaction(using: str) -> Iterator[None]:
    """Open a transaction that will write.

    On SQLite it takes the write lock at once (BEGIN IMMEDIATE), whatever the host's settings say:
    a transaction that reads first and writes later fails there instead of waiting. Elsewhere it
    sees what others have committed by the time that it has its locks: what it counts would be old
    at REPEATABLE READ, which hosts may have set.
    """
    # Any: `transaction_mode` is the SQLite wrapper's own.
    connection: Any = connections[using]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        lowers = not connection.in_atomic_block and _is_isolated(connection)
        with transaction.atomic(using=using):
            if lowers:
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            yield
        return
    connection.ensure_connection()
    previous = connection.transaction_mode
    connection.transaction_mode = "IMMEDIATE"
    try:
        with transaction.atomic(using=using):
            yield
    finally:
        connection.transaction_mode = previous


def _is_isolated(connection: Any) -> bool:
    """Tell whether the host's settings ask for more than READ COMMITTED, Django's default."""
    options = connection.settings_dict["OPTIONS"]
    if "isolation_level" not in options or not connection.get_autocommit():
        return False
    return bool(str(options["isolation_level"]).lower() != "read committed")


def retrying(act: Callable[[bool], T], using: str) -> T:
    """Call `act`, again after transient database errors, with growing, jittered pauses.

    `act` is told whether this is another try: then the one before may have been committed all the
    same. Inside somebody's open transaction there is no second try: the whole of it is lost.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return act(attempt > 1)
        except TRANSIENT as error:
            connection = connections[using]
            if attempt == ATTEMPTS or connection.in_atomic_block:
                raise
            log.warning(PERSISTENCE_ERROR, error=str(error), attempt=attempt)
            # It may be broken, or lead to a server that is no longer the one to write to.
            connection.close()
            time.sleep(FIRST_PAUSE * 2**attempt * (0.5 + random.random()))  # noqa: S311
    raise AssertionError  # the loop returns or raises


def drop_interrupted(connection: Any) -> None:
    """Stop the query that an interrupted handler left running, and drop the connection.

    Inside a transaction Django drops it itself when the rollback fails.
    """
    if connection.connection is None:
        return
    if connection.vendor == "postgresql":
        with suppress(Exception):
            connection.connection.cancel_safe(timeout=CANCEL_SECONDS)
    if not connection.in_atomic_block:
        connection.close()
