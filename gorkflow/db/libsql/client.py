"""What `manage.py dbshell` runs."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.management import CommandError
from django.db.backends.base.client import BaseDatabaseClient


class DatabaseClient(BaseDatabaseClient):
    """There is none: SQLite's shell opens files, and the server's takes no statements of ours."""

    def runshell(self, parameters: Iterable[str]) -> None:  # noqa: ARG002  Django's signature
        """Refuse."""
        raise CommandError(
            "dbshell cannot talk to a libSQL server: use the Turso command line,"
            " `turso db shell http://HOST:PORT`"
        )
