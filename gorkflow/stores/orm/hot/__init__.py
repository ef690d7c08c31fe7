"""The fast path: starts, claims and finishes of the common kind, in as few statements as can be.

Each act returns None where a case is not of the common kind: a limit, an error, saved state,
several sinks, a conflict, a lost lease. It has changed nothing then, and the portable modules
beside this package, which know every case, decide. So this is about speed alone, and a database
that is not named below works all the same.
"""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from gorkflow.records import RunRecord
from gorkflow.stores.base import Claim, Finish, Finished, NewRun, Taker
from gorkflow.stores.orm.hot import plain, postgresql
from gorkflow.stores.orm.hot.common import Decided, Started


class FastPath(Protocol):
    """What a module for one kind of database has; `connection` is Django's, of this thread."""

    def get_run(self, run_id: UUID, connection: Any) -> RunRecord | None:
        """Return a run with its steps counted; None if there is none."""

    def start(self, new: NewRun, taker: Taker | None, connection: Any) -> Started:
        """Insert a run and let the taker have its first step, or leave it to the portable form."""

    def claim(self, run_id: UUID, taker: Taker, connection: Any, *, shared: bool) -> Decided:
        """Claim a step, or find that there is none, or leave it to the portable form."""

    def finish(
        self, claim: Claim, finish: Finish, taker: Taker | None, connection: Any
    ) -> Finished | None:
        """Store a result, or leave it to the portable form."""


BY_VENDOR: dict[str, FastPath] = {
    "postgresql": postgresql,
    "sqlite": plain,
    "mysql": plain,
}


def hot_path(connection: Any) -> FastPath | None:
    """Return the fast path of the connection's database, if it has one."""
    return BY_VENDOR.get(connection.vendor)
