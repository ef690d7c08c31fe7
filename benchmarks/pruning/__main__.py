"""The command: `python -m benchmarks.pruning --help`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pruning.place import ROOT, environment, scratch_database

VAR = ROOT / "var" / "benchmarks"


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.pruning",
        description="Prune old runs while workers run others, in a scratch database.",
    )
    add = made.add_argument
    add("--runs", type=_count, default=100_000, help="old runs; default: %(default)s")
    add("--chains", type=_count, default=200, help="chains without pruning; default: %(default)s")
    add("--quick", action="store_true", help="2 000 runs and 10 chains: proves that it works")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    add(
        "--database",
        default=os.environ.get("DATABASE_URL") or f"sqlite:///{VAR}/prune.sqlite3",
        help="its server gets the scratch database; default: DATABASE_URL, or SQLite",
    )
    add(
        "--broker",
        default=os.environ.get("CELERY_BROKER_URL", ""),
        help="default: CELERY_BROKER_URL, or the embedded one",
    )
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit code is 1 if anything is wrong, never for a slow figure."""
    options = parser().parse_args(arguments)
    old, chains = (2_000, 10) if options.quick else (options.runs, options.chains)
    VAR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VAR) as directory:
        broker = options.broker or f"sqlitefile://{directory}/broker"
        environment(options.database, broker, quick=options.quick)
        import django  # noqa: PLC0415  the settings read what has just been set

        django.setup()
        with scratch_database(Path(directory)):
            from benchmarks.pruning.trial import conduct, table  # noqa: PLC0415

            figures = conduct(old, old // 10, chains, VAR / "prune-workers.log", _say)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n\n{table(figures)}")
    for line in figures["wrong"]:
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if figures["wrong"] else 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


if __name__ == "__main__":
    # As Ctrl-C does, so that everything is stopped and removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
