"""PostgreSQL."""

from __future__ import annotations

import shutil
import signal
from functools import cache
from pathlib import Path

import psycopg

from servers.base import DATABASE, MissingServerError, Server


class Postgres(Server):
    """PostgreSQL with one empty database; a crash is an immediate shutdown."""

    name = "PostgreSQL"
    crash_signal = signal.SIGQUIT

    account = "postgres"

    @property
    def url(self) -> str:
        """What DATABASE_URL is set to."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{DATABASE}"

    def create(self) -> None:
        """Make the cluster, start it and make the database."""
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
        self._prepare([_programs() / "initdb", "--pgdata", "data", *options])
        self.start()
        with self._connect() as server:
            server.execute(f"CREATE DATABASE {DATABASE}")

    def launch(self) -> None:
        """Start the postmaster."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
        settings = [part for option in options for part in ("-c", option)]
        self._run([_programs() / "postgres", "-D", "data", *settings])

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; SIGTERM would wait for clients that never leave, so it is a fast shutdown."""
        super().stop(signal.SIGINT if sign is signal.SIGTERM else sign)

    def knock(self) -> None:
        """Connect."""
        self._connect().close()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            dbname="postgres",
            autocommit=True,
            connect_timeout=3,
        )


@cache
def _programs() -> Path:
    # Debian keeps the versions apart, and what is in PATH may be a link or a wrapper.
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    places += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    raise MissingServerError("PostgreSQL (initdb, postgres) is not installed here")
