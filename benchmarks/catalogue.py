"""The systems: which driver each has, and what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Need(Enum):
    """What a system runs on."""

    POSTGRES = "PostgreSQL"
    SQLITE = "SQLite"
    REDIS = "Redis"
    RABBITMQ = "RabbitMQ"
    BROKER_FILE = "the embedded broker"
    RESULTS = "Redis for results"
    DBOS = "the package dbos"
    DBOS_SQLITE = "an SQLite that dbos can use"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One thing that is measured."""

    name: str
    title: str
    driver: str
    """Module in `benchmarks.drivers`."""
    needs: Sequence[Need]
    processes: int = 1
    """Driver processes that share each workload."""
    only: Sequence[str] = ()
    """The only workloads wanted of it; empty for all that its driver has."""
    without: Sequence[str] = ()
    """Workloads that its driver has and that are not worth their time here."""
    history: bool = False
    """Whether its tables are filled with old runs first."""

    def wants(self, workload: str) -> bool:
        """Tell whether the workload is to be run on it."""
        return workload not in self.without and (not self.only or workload in self.only)


_TWO = ("many",)
_FLOOR = ("statement", "transaction")
DIRECT = ("chain", "fanout", "wide", "long", "longest")
"""What runs in one process."""
_SLOW = ("memory", "recovery")

SYSTEMS = (
    System(
        name="ours-redis",
        title="gorkflow: PostgreSQL, Redis",
        driver="ours",
        needs=(Need.POSTGRES, Need.REDIS),
    ),
    System(
        name="ours-rabbitmq",
        title="gorkflow: PostgreSQL, RabbitMQ",
        driver="ours",
        needs=(Need.POSTGRES, Need.RABBITMQ),
        without=_SLOW,
    ),
    System(
        name="ours-sqlite",
        title="gorkflow: SQLite, embedded broker",
        driver="ours",
        needs=(Need.SQLITE, Need.BROKER_FILE),
        without=_SLOW,
    ),
    System(
        name="ours-direct",
        title="gorkflow in process: PostgreSQL",
        driver="ours_direct",
        needs=(Need.POSTGRES,),
        only=DIRECT,
    ),
    System(
        name="ours-direct-sqlite",
        title="gorkflow in process: SQLite",
        driver="ours_direct",
        needs=(Need.SQLITE,),
        only=DIRECT,
    ),
    System(
        name="ours-redis-history",
        title="gorkflow: PostgreSQL with old runs, Redis",
        driver="ours",
        needs=(Need.POSTGRES, Need.REDIS),
        history=True,
    ),
    System(
        name="ours-direct-history",
        title="gorkflow in process: PostgreSQL with old runs",
        driver="ours_direct",
        needs=(Need.POSTGRES,),
        only=DIRECT,
        history=True,
    ),
    System(
        name="celery-redis",
        title="Celery canvas: Redis",
        driver="celery_peer",
        needs=(Need.REDIS, Need.RESULTS),
    ),
    System(
        name="celery-rabbitmq",
        title="Celery canvas: RabbitMQ, results on Redis",
        driver="celery_peer",
        needs=(Need.RABBITMQ, Need.RESULTS),
    ),
    System(
        name="dbos",
        title="DBOS: PostgreSQL",
        driver="dbos_peer",
        needs=(Need.POSTGRES, Need.DBOS),
    ),
    System(
        name="dbos-two",
        title="DBOS: PostgreSQL, two processes",
        driver="dbos_peer",
        needs=(Need.POSTGRES, Need.DBOS),
        processes=2,
        only=_TWO,
    ),
    System(
        name="dbos-sqlite",
        title="DBOS: SQLite",
        driver="dbos_peer",
        needs=(Need.SQLITE, Need.DBOS, Need.DBOS_SQLITE),
    ),
    System(
        name="dbos-sqlite-two",
        title="DBOS: SQLite, two processes",
        driver="dbos_peer",
        needs=(Need.SQLITE, Need.DBOS, Need.DBOS_SQLITE),
        processes=2,
        only=_TWO,
    ),
    System(
        name="floor",
        title="psycopg alone",
        driver="floor",
        needs=(Need.POSTGRES,),
        only=_FLOOR,
    ),
    System(
        name="floor-two",
        title="psycopg alone, two connections",
        driver="floor",
        needs=(Need.POSTGRES,),
        processes=2,
        only=_FLOOR,
    ),
    System(
        name="floor-sqlite",
        title="sqlite3 alone",
        driver="floor",
        needs=(Need.SQLITE,),
        only=_FLOOR,
    ),
    System(
        name="floor-sqlite-two",
        title="sqlite3 alone, two connections",
        driver="floor",
        needs=(Need.SQLITE,),
        processes=2,
        only=_FLOOR,
    ),
    System(
        name="bare",
        title="Celery + Django worker alone",
        driver="bare",
        needs=(Need.POSTGRES, Need.REDIS),
        only=("memory",),
    ),
)


def chosen(names: Sequence[str], *, history: bool) -> list[System]:
    """Return the systems of these names or families ("dbos" is a family too); all if none.

    Raises:
        ValueError: a name fits nothing.

    """
    there = [each for each in SYSTEMS if history or not each.history]
    unknown = [name for name in names if not any(_fits(each.name, name) for each in there)]
    if unknown:
        known = ", ".join(each.name for each in there)
        raise ValueError(f"no system {', '.join(unknown)}; there are {known}")
    return [each for each in there if not names or any(_fits(each.name, n) for n in names)]


def _fits(system: str, name: str) -> bool:
    return system == name or system.startswith(f"{name}-")
