"""The command: `python -m chaos --help`."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chaos import report
from chaos.conductor import Campaign, conduct
from servers.base import MissingServerError
from servers.brokers import BROKERS

RUNS_A_MINUTE = 120
SHORT_MINUTES = 0.6


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m chaos",
        description="Run workflows on servers of our own while everything is killed.",
    )
    add = made.add_argument
    add("--minutes", type=_positive, default=5.0, help="how long things are struck; 5")
    add("--runs", type=int, help=f"how many are started; {RUNS_A_MINUTE} a minute")
    add("--seed", type=int, help="of the plan; without one a new plan is made")
    add("--broker", choices=sorted(BROKERS), default="redis", help="default: %(default)s")
    add("--short", action="store_true", help="a minute and a half in all")
    add("--json", type=Path, metavar="FILE", help="write figures and findings there")
    add("--keep", action="store_true", help="keep logs and journals even if nothing is wrong")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit code is 1 if anything is wrong, 2 if a server is missing."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    minutes = SHORT_MINUTES if options.short else options.minutes
    campaign = Campaign(
        broker=options.broker,
        runs=options.runs or round(RUNS_A_MINUTE * minutes),
        seconds=minutes * 60,
        seed=options.seed if options.seed is not None else random.SystemRandom().randrange(10**6),
    )
    directory = Path(tempfile.mkdtemp(prefix="gorkflow-chaos-"))
    directory.chmod(0o755)  # PostgreSQL may run as another user
    began = time.monotonic()
    try:
        figures, wrong = conduct(campaign, directory, _say)
    except MissingServerError as error:
        print(error, file=sys.stderr)
        return 2
    figures |= {
        "broker": campaign.broker,
        "seed": campaign.seed,
        "seconds": round(time.monotonic() - began, 1),
    }
    wrong += report.idle(figures)
    if options.json:
        options.json.write_text(json.dumps({**figures, "wrong": wrong}, indent=1) + "\n")
    print(f"\nPostgreSQL, {campaign.broker}, seed {campaign.seed}, {figures['seconds']:.0f} s\n")
    print(report.table(figures))
    if wrong:
        print(f"\nWrong, with --seed {campaign.seed}; logs are in {directory}:")
        print(report.explain(wrong))
        return 1
    if not options.keep:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _positive(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
