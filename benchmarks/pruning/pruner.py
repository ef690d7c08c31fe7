"""A process that prunes as the command does, and tells as JSON how long each batch took."""

from __future__ import annotations

import json
import sys
import time

import django

django.setup()

from gorkflow.wiring import get_engine  # noqa: E402


def main(days: float) -> None:
    """Delete all runs that ended over so many days ago."""
    engine = get_engine()
    prune = engine.store.prune
    batches: list[float] = []

    def timed(**wanted: float) -> int:
        began = time.perf_counter()
        try:
            return prune(**wanted)  # type: ignore[arg-type]
        finally:
            batches.append(time.perf_counter() - began)

    engine.store.prune = timed  # type: ignore[method-assign,assignment]
    began = time.perf_counter()
    runs = engine.prune(older_than=days * 86_400)
    seconds = time.perf_counter() - began
    print(json.dumps({"runs": runs, "seconds": seconds, "batches": batches}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
