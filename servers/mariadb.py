"""MariaDB."""

from __future__ import annotations

import socket

from servers.base import DATABASE, Server, program


class MariaDB(Server):
    """MariaDB with one empty database."""

    name = "MariaDB"
    account = "mysql"

    @property
    def url(self) -> str:
        """What DATABASE_URL is set to."""
        return f"mysql://root@127.0.0.1:{self.port}/{DATABASE}?charset=utf8mb4"

    def create(self) -> None:
        """Make the data directory, start the server and make the database."""
        options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        self._prepare(
            [
                program("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={self.home / 'data'}",
                "--skip-name-resolve",
                *options,
            ]
        )
        (self.home / "init.sql").write_text(f"CREATE DATABASE IF NOT EXISTS {DATABASE};\n")
        self.start()

    def launch(self) -> None:
        """Start the server."""
        self._run(
            [
                program("mariadbd"),
                "--no-defaults",
                f"--datadir={self.home / 'data'}",
                "--bind-address=127.0.0.1",
                f"--port={self.port}",
                f"--socket={self.home / 'socket'}",
                f"--pid-file={self.home / 'pid'}",
                f"--init-file={self.home / 'init.sql'}",
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
            ]
        )

    def knock(self) -> None:
        """Take its greeting; it listens only after the init file. No driver is needed for that."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=3) as line:
            if not line.recv(1):
                raise ConnectionError("no greeting")
