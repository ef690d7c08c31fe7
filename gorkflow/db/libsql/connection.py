"""The connection and its cursor, with the transactions that the driver gets wrong."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from gorkflow.db.libsql.driver import (
    LEGACY_TRANSACTION_CONTROL,
    Database,
    LibsqlError,
    StockConnection,
    StockCursor,
)
from gorkflow.db.libsql.errors import TIMED_OUT, database_error
from gorkflow.db.libsql.statements import Statement, read_statement
from gorkflow.db.libsql.wire import Wire

PING_SECONDS = 5.0
IN_TRANSACTION = {"type": "not", "cond": {"type": "is_autocommit"}}
ENDS = frozenset({"COMMIT", "END", "ROLLBACK"})
_NOTHING = {"cols": [], "rows": [], "affected_row_count": 0, "last_insert_rowid": None}


class Connection(StockConnection):
    """A connection as Python's sqlite3 has it.

    What is sent inside a transaction is carried out in that transaction only: the server may have
    ended it, and would then store each statement by itself.
    """

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        self._token = token
        self._begun_by_savepoint = False
        super().__init__(
            database=url,
            timeout=timeout,
            detect_types=Database.PARSE_DECLTYPES | Database.PARSE_COLNAMES,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=0,
            autocommit=LEGACY_TRANSACTION_CONTROL,
        )
        # It holds the connection in a circle, and parsing all of every statement takes time.
        del self._cached_statement_getter

    def _raw_init(self) -> None:
        self.cursor_factory = Cursor
        self.wire = Wire(self._database, self._token, self._timeout)
        # Whoever forgets to close leaks no thread and no socket.
        weakref.finalize(self, self.wire.end).atexit = False

    def _raw_close(self) -> None:
        self.wire.close()

    @property
    def is_lost(self) -> bool:
        """Whether only a new connection can help: the socket is gone, or another process's."""
        return bool(self._closed or self.wire.is_lost)

    def interrupt(self) -> None:
        """Stop the statement that another thread waits for: the server ends what nobody hears."""
        self.wire.drop("a statement was interrupted")

    def ping(self) -> None:
        """Raise OperationalError if the server does not answer."""
        self._is_autocommit(PING_SECONDS)

    def carry_out(self, statement: Statement) -> dict[str, Any]:
        """Send a statement and return its result, keeping account of the transaction."""
        with self._uninterrupted():
            if self._in_transaction:
                result = self._carry_out_inside(statement)
            else:
                request = {"type": "execute", "stmt": statement.body}
                result = self.wire.ask(request)["result"]
            self._note(statement.verb)
        return result

    def carry_out_script(self, script: str) -> None:
        """Send several statements at once."""
        with self._uninterrupted():
            try:
                self.wire.ask({"type": "sequence", "sql": script})
            finally:
                self._in_transaction = not self.wire.is_lost and not self._is_autocommit()

    @contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        """Give the connection up if what comes in between leaves open what the server has done."""
        try:
            yield
        except Database.Error:
            raise
        except BaseException:
            self.wire.drop("a statement was interrupted")
            raise

    def _carry_out_inside(self, statement: Statement) -> dict[str, Any]:
        step = {"condition": IN_TRANSACTION, "stmt": statement.body}
        batch = self.wire.ask({"type": "batch", "batch": {"steps": [step]}})["result"]
        (result,), (error,) = batch["step_results"], batch["step_errors"]
        if result is not None:
            return dict(result)
        code = TIMED_OUT if error is None else error.get("code") or ""
        if code == TIMED_OUT and statement.verb == "ROLLBACK":
            return _NOTHING
        raise database_error(LibsqlError("" if error is None else error["message"], code))

    def _note(self, verb: str) -> None:
        if verb == "BEGIN":
            self._in_transaction, self._begun_by_savepoint = True, False
        elif verb == "SAVEPOINT" and not self._in_transaction:
            self._in_transaction = self._begun_by_savepoint = True
        elif verb in ENDS:
            self._in_transaction = False
        elif verb == "RELEASE" and self._begun_by_savepoint:
            self._in_transaction = not self._is_autocommit()

    def _is_autocommit(self, timeout: float | None = None) -> bool:
        return bool(self.wire.ask({"type": "get_autocommit"}, timeout)["is_autocommit"])


class Cursor(StockCursor):
    """A cursor as Python's sqlite3 has it, that takes Django's placeholders."""

    def _query_execute(
        self,
        sql: str,
        parameters: Iterable[Any] = ((),),
        *,
        multiple: bool = False,
        want_rows: bool = True,
    ) -> Cursor:
        self._do_check_cursor()
        self._reset_result()
        for number, values in enumerate(parameters):
            statement = read_statement(sql, self._adapt_params(values), want_rows=want_rows)
            if multiple and not statement.is_dml:
                raise Database.ProgrammingError("executemany() is for statements that write rows")
            if number == 0:
                self._reset_result(statement)
                self._connection._begin_transaction_if_needed(statement)  # noqa: SLF001
            self._apply_raw_results(self._connection.carry_out(statement))
        return self

    def _adapt_param_value(self, obj: Any) -> Any:
        try:
            return super()._adapt_param_value(obj)
        except Database.ProgrammingError:
            kind = type(obj).__name__
            raise Database.ProgrammingError(
                f"SQLite has no form for a {kind} as a parameter"
            ) from None

    def _raw_execute_script(self, sql_script: str) -> None:
        self._connection.carry_out_script(sql_script)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next rows, as many as `size` or `arraysize` says."""
        return list(islice(self, size or self.arraysize))
