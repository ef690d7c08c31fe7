"""The websocket to the server, and the thread whose event loop serves it."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, cast

from gorkflow.db.libsql.driver import Database, LibsqlError, StockSocket, aiohttp
from gorkflow.db.libsql.errors import database_error

PROTOCOL = "hrana3"
STREAM = 0
PING_SECONDS = 30.0
CLOSE_SECONDS = 2.0
UNSURE = "outside a transaction, and at its commit, nobody knows whether the statement took effect"

_inherited: list[Wire] = []
"""Wires of the process that forked this one. Their sockets are its own, so not even their
destructors may run here."""


class Socket(StockSocket):
    """The driver's websocket, with the options that it lacks."""

    async def _do_connect(self, session: Any, url: str) -> Any:
        socket = await session.ws_connect(
            url,
            protocols=[PROTOCOL],
            autoclose=False,
            heartbeat=PING_SECONDS,
            max_msg_size=0,  # the server has a limit of its own, and says so when it is reached
        )
        if socket.protocol != PROTOCOL:
            await socket.close()
            raise LibsqlError(f"the server does not speak {PROTOCOL}: it is too old", "TOO_OLD")
        return socket

    def abort(self) -> None:
        """Drop the connection without a word, for a server that does not answer."""
        connection = getattr(self._socket, "_conn", None)
        if connection is not None and connection.transport is not None:
            connection.transport.abort()


class Wire:
    """One websocket with one stream of statements.

    Args:
        url: ws:// or wss://, without a token.
        token: the server's JSON web token; None for none.
        timeout: seconds to wait for an answer.

    Raises:
        OperationalError: the server cannot be reached or does not let us in.

    """

    def __init__(self, url: str, token: str | None, timeout: float) -> None:
        self._pid = os.getpid()
        self._timeout = timeout
        self._problem: str | None = None
        self._session: Any = None
        self._socket: Any = None
        ready: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, asyncio.Event]]
        ready = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="gorkflow-libsql", daemon=True
        )
        self._thread.start()
        self._loop, self._stop = ready.get()
        try:
            error = self._wait_for(self._connect(url, token), timeout).exception()
            if error is not None:
                raise _not_connected(url, error) from error
        except BaseException:
            self.close()
            raise

    @property
    def is_inherited(self) -> bool:
        """Whether this is a child of the process that has opened the connection."""
        return self._pid != os.getpid()

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.is_inherited or self._problem is not None or self._socket.exception is not None

    def ask(self, request: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        """Send a request of the stream and return the response.

        Raises:
            OperationalError: the connection is lost, or there was no answer in time; then the
                connection is dropped.
            DatabaseError: the server's answer is an error.

        """
        if self.is_lost:
            why = "another process has opened it" if self.is_inherited else self._why()
            raise Database.OperationalError(
                f"the connection to the libSQL server cannot be used: {why}"
            )
        request["stream_id"] = STREAM
        future = self._wait_for(self._exchange(request), timeout or self._timeout)
        error = future.exception()
        if error is None:
            response: dict[str, Any] = future.result()
            return response
        if isinstance(error, LibsqlError) and not self.is_lost:
            raise database_error(error) from error
        self.drop("it was lost before")
        raise Database.OperationalError(
            f"the connection to the libSQL server was lost ({_told(error)}): {UNSURE}"
        ) from error

    def drop(self, why: str) -> None:
        """Make the connection unusable at once, as what it would answer is not known."""
        if self._problem is None and not self.is_inherited:
            self._problem = why
            self._in_loop(self._abort)

    def end(self) -> None:
        """Tell the thread to close the socket and end, without waiting for it."""
        if self.is_inherited:
            _inherited.append(self)
        else:
            self._in_loop(self._stop.set)

    def close(self) -> None:
        """Close the socket and end the thread."""
        self.end()
        if not self.is_inherited:
            self._thread.join(2 * CLOSE_SECONDS)

    def _wait_for(self, coroutine: Coroutine[Any, Any, Any], timeout: float) -> Future[Any]:
        """Run it in the thread and return its future, done."""
        # A queue, not the future's own waiting: that cannot tell our timeout from the answer's.
        done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).add_done_callback(done.put)
        try:
            return done.get(timeout=timeout)
        except queue.Empty:
            self.drop(f"it did not answer within {timeout:g} s")
            raise Database.OperationalError(
                f"the libSQL server did not answer within {timeout:g} s: {UNSURE}"
            ) from None
        except BaseException:
            self.drop("a statement was interrupted")
            raise

    def _why(self) -> str:
        return self._problem or _told(self._socket.exception)

    # In the thread

    async def _serve(self, ready: queue.SimpleQueue[Any]) -> None:
        stop = asyncio.Event()
        ready.put((asyncio.get_running_loop(), stop))
        await stop.wait()
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._socket is not None:
                    await self._socket.close()
        self._abort()
        if self._session is not None:
            await self._session.close()

    async def _connect(self, url: str, token: str | None) -> None:
        self._session = aiohttp.ClientSession()
        self._socket = Socket(self._session, url, token)
        await self._socket.wait_connected()
        await self._exchange({"type": "open_stream", "stream_id": STREAM})

    async def _exchange(self, request: dict[str, Any]) -> Any:
        return await self._socket.send_request(request)

    def _abort(self) -> None:
        if self._socket is not None:
            self._socket.abort()

    def _in_loop(self, act: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(act)


def _not_connected(url: str, error: BaseException) -> Exception:
    hint = " (one without TLS needs ?tls=0 in its URL)" if url.startswith("wss:") else ""
    message = f"cannot connect to the libSQL server {url}{hint}: {_told(error)}"
    return cast("Exception", Database.OperationalError(message))


def _told(error: BaseException) -> str:
    if isinstance(error, LibsqlError):
        return str(error.explanation)
    return f"{type(error).__name__}: {error}"
