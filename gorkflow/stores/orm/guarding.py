"""What a handler leaves open on its thread's connections, and how it is put right.

A handler runs on the connection that its result is stored on. A transaction that it opened and
did not end would swallow that result, and every one after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NamedTuple

from django.db import connections

from gorkflow.errors import NonRetryableError

_IDLE, _IN_ERROR = 0, 3
"""libpq's transaction statuses: outside of any, and in one that a statement has broken."""


class _State(NamedTuple):
    """How deep in transactions a connection is."""

    is_atomic: bool = False
    autocommit: bool = True
    depth: int = 0
    is_broken: bool = False


_OUTSIDE = _State()


class Guard:
    """Runs its body; afterwards each connection of the thread stands where it stood before.

    Raises:
        NonRetryableError: the body returned, but what it wrote is lost with what it left open.

    """

    def __enter__(self) -> None:
        self._before = {connection.alias: _state(connection) for connection in _opened()}

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        problems = _put_right(self._before)
        if problems and error is None:
            raise NonRetryableError(problems[0])


def _opened() -> Sequence[Any]:
    if len(connections.settings) == 1:
        # The one that the step was claimed on.
        return [connections[alias] for alias in connections]
    return connections.all(initialized_only=True)


def _state(connection: Any) -> _State:
    is_open = connection.connection is not None
    if is_open and connection.autocommit and not connection.in_atomic_block:
        return _OUTSIDE
    return _State(
        is_atomic=connection.in_atomic_block,
        # One that is not open yet will be as the settings say.
        autocommit=connection.autocommit if is_open else connection.settings_dict["AUTOCOMMIT"],
        depth=len(connection.savepoint_ids),
        is_broken=connection.needs_rollback,
    )


def _put_right(before: dict[str, _State]) -> list[str]:
    problems = []
    for connection in _opened():
        was = before.get(connection.alias)
        if was is None:
            was = _State(autocommit=connection.settings_dict["AUTOCOMMIT"])
        if not was.is_atomic and was == _state(connection) and not _is_in_transaction(connection):
            continue
        problem = _end_inner(connection, was) if was.is_atomic else _end_all(connection, was)
        if problem:
            problems.append(problem)
    return problems


def _end_all(connection: Any, was: _State) -> str | None:
    """End what was begun where no transaction was open."""
    if connection.connection is None and not connection.in_atomic_block:
        return None
    is_left = connection.in_atomic_block or connection.autocommit != was.autocommit
    if not is_left and not (was.autocommit and _is_in_transaction(connection)):
        return None
    connection.in_atomic_block = connection.needs_rollback = False
    connection.closed_in_transaction = False
    connection.savepoint_ids, connection.atomic_blocks = [], []
    with suppress(Exception):
        connection.close()
    if connection.connection is not None:
        # A database in memory is not closed.
        connection.rollback()
        connection.set_autocommit(was.autocommit)
    return (
        f"the handler left a transaction open on the database {connection.alias!r}, so what it"
        " wrote there is undone: end what you begin, best with `with transaction.atomic():`"
    )


def _end_inner(connection: Any, was: _State) -> str | None:
    """End what was begun inside the transaction that was open before."""
    if connection.closed_in_transaction:
        return f"the handler closed the database connection {connection.alias!r} in a transaction"
    left = connection.savepoint_ids[was.depth :]
    if left:
        del connection.savepoint_ids[was.depth :]
        del connection.atomic_blocks[len(connection.atomic_blocks) - len(left) :]
        with suppress(Exception):
            connection.needs_rollback = False
            connection.savepoint_rollback(left[0])
        connection.needs_rollback = was.is_broken or left[0] is None
        return (
            f"the handler left an atomic() open on the database {connection.alias!r}: end it, best"
            " with `with transaction.atomic():`"
        )
    if (connection.needs_rollback and not was.is_broken) or _status(connection) == _IN_ERROR:
        return (
            "the handler caught a database error that has broken the transaction it runs in: put"
            " the statement that may fail into a `with transaction.atomic():` of its own"
        )
    return None


def _is_in_transaction(connection: Any) -> bool:
    """Tell what the driver knows, where it does: a BEGIN by hand goes past Django."""
    return bool(getattr(connection.connection, "in_transaction", _status(connection) != _IDLE))


def _status(connection: Any) -> int:
    """Return libpq's transaction status, where the driver is one of libpq's."""
    # psycopg's own object is at hand, where `info` would make one for each question.
    session = getattr(connection.connection, "pgconn", None)
    if session is None:
        session = getattr(connection.connection, "info", None)
    return int(getattr(session, "transaction_status", _IDLE))
