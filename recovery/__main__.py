"""The command: `python -m recovery --help`."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from chaos.recovery import Recoveries
from recovery.cases import CASES, PLACES, Case, Place, opened
from recovery.measuring import measure
from recovery.workers import StalledError, manage
from servers.base import MissingServerError

MOST_SECONDS = 60.0
KILLS, QUICK_KILLS = 12, 2
HEAD = (
    "| Where | Killed | Times | p50 s | p95 s | longest s |\n| --- | --- | --- | --- | --- | --- |"
)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m recovery",
        description="Kill workers in the middle of a step and time who has it next.",
    )
    add = made.add_argument
    add("--kills", type=int, help=f"of each kind; {KILLS}, or {QUICK_KILLS} with --quick")
    add("--places", nargs="+", choices=PLACES, help="all; with --quick the embedded broker alone")
    add("--cases", nargs="+", choices=CASES, default=list(CASES), help="all")
    add("--quick", action="store_true", help="three and a half minutes instead of fourteen")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; the exit code is 1 if a step waited too long, 2 if a server is missing."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    kills = options.kills or (QUICK_KILLS if options.quick else KILLS)
    names = options.places or (["embedded"] if options.quick else list(PLACES))
    home = Path(tempfile.mkdtemp(prefix="gorkflow-recovery-"))
    home.chmod(0o755)  # PostgreSQL may run as another user
    lines, longest, missing = [], 0.0, False
    for name in names:
        try:
            with opened(PLACES[name], _made(home / name)) as environment:
                for case in options.cases:
                    found = _measure(CASES[case], kills, environment, _made(home / name / case))
                    longest = max(longest, *found.seconds)
                    lines.append(_line(PLACES[name], CASES[case], found))
        except MissingServerError as error:
            missing = True
            print(error, file=sys.stderr)
        except StalledError as error:
            print(f"{error}; logs are in {home}", file=sys.stderr)
            return 1
    print("\n".join(["", HEAD, *lines]))
    if longest > MOST_SECONDS:
        print(f"\nA step waited {longest:.1f} s, more than {MOST_SECONDS:.0f}; logs are in {home}")
        return 1
    shutil.rmtree(home, ignore_errors=True)
    return 2 if missing else 0


def _measure(case: Case, kills: int, environment: dict[str, str], directory: Path) -> Recoveries:
    print(f"{directory.parent.name}: {case.title}", flush=True)
    environment = {**environment, "DJANGO_SETTINGS_MODULE": "recovery.settings"}
    manage(environment, "migrate", "--verbosity", "0")
    seconds = measure(case, kills, environment=environment, directory=directory)
    return Recoveries(seconds=sorted(seconds))


def _line(place: Place, case: Case, found: Recoveries) -> str:
    figures = [found.share(0.5), found.share(0.95), found.seconds[-1]]
    cells = [place.title, case.title, str(len(found.seconds)), *(f"{each:.1f}" for each in figures)]
    return f"| {' | '.join(cells)} |"


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
