"""Pruning: runs that have ended long enough ago are deleted, a batch at a time.

Each batch is a short transaction of its own, so that it can be broken off between any two.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from gorkflow.config import EngineConfig
from gorkflow.errors import ConfigurationError, PayloadError
from gorkflow.log import RUNS_PRUNED, SWEEP_FAILED, log
from gorkflow.retention import LONGEST
from gorkflow.statuses import TERMINAL_RUNS, RunStatus

if TYPE_CHECKING:
    from gorkflow.engine.engine import Engine

BATCH = 100
"""Runs deleted in one transaction."""
MOST_IN_A_SWEEP = 1_000
"""Runs one sweep deletes; later sweeps delete the rest."""
SECONDS_IN_A_SWEEP = 1.0
"""After so long a sweep begins no other batch."""


def ages_of(
    older_than: float | None, statuses: Sequence[str], batch: int, config: EngineConfig
) -> dict[RunStatus, timedelta]:
    """Return what to prune: the age of runs that ended so, in the order of the statuses.

    Raises PayloadError and ConfigurationError as `Engine.prune` does.
    """
    for status in statuses:
        if status not in TERMINAL_RUNS:
            names = ", ".join(TERMINAL_RUNS)
            raise _bad("statuses", f"no run ends as {status!r:.40}, but as one of {names}")
    if batch < 1:
        raise _bad("batch", f"must be 1 or more, not {batch}")
    wanted = [RunStatus(status) for status in statuses]
    if older_than is None:
        if not config.retention:
            raise ConfigurationError(
                "how old may runs become? Say it here, or in GORKFLOW['RETENTION']", key="RETENTION"
            )
        return {each: config.retention[each] for each in wanted if each in config.retention}
    if not 0 <= older_than <= LONGEST.total_seconds():
        raise _bad("older_than", f"must be 0 to {LONGEST.days} days, not {older_than} seconds")
    return dict.fromkeys(wanted, timedelta(seconds=older_than))


def _bad(name: str, why: str) -> PayloadError:
    error = {"loc": [name], "msg": why, "type": "value_error"}
    return PayloadError(f"prune: {name} {why}", errors=[error])


def prune_all(
    engine: Engine,
    ages: Mapping[RunStatus, timedelta],
    *,
    batch: int = BATCH,
    most: float = math.inf,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Delete batches until nothing is old enough, enough is done or it is time to stop."""
    total = 0
    try:
        for status, age in ages.items():
            while total < most and not stopping():
                limit = int(min(batch, most - total))
                seconds = age.total_seconds()
                done = engine.store.prune(older_than=seconds, statuses=[status], limit=limit)
                if not done:
                    break
                total += done
    finally:
        if total:
            log.info(RUNS_PRUNED, runs=total)
    return total


def prune_some(engine: Engine) -> None:
    """Do a sweep's share of what the retention asks for; a failure must not stop the sweep."""
    until = time.monotonic() + SECONDS_IN_A_SWEEP
    try:
        prune_all(
            engine,
            engine.config.retention,
            most=MOST_IN_A_SWEEP,
            stopping=lambda: time.monotonic() > until,
        )
    except Exception as error:  # noqa: BLE001  it is tried again at the next one
        log.warning(SWEEP_FAILED, error=str(error))
