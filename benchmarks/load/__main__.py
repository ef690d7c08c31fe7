"""The command: `python -m benchmarks.load --help`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.catalogue import Need, System
from benchmarks.places import Places, Urls
from benchmarks.workloads import QUICK_VARIABLE

SYSTEM = System(
    name="load", title="The API under load", driver="", needs=(Need.POSTGRES, Need.REDIS)
)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.load",
        description="Ask the API under gunicorn, on a scratch PostgreSQL database full of runs.",
    )
    add = made.add_argument
    add("--runs", type=int, default=1_000_000, help="in the tables; default: %(default)s")
    add("--seconds", type=float, default=10.0, help="for each request; default: %(default)s")
    add("--clients", type=int, default=4, help="that ask at once; default: %(default)s")
    add("--workers", type=int, default=2, help="of gunicorn; default: %(default)s")
    add("--threads", type=int, default=2, help="of each of them; default: %(default)s")
    add("--quick", action="store_true", help="1 000 runs and half a second: proves that it works")
    add("--json", type=Path, metavar="FILE", help="write every figure there")
    servers = Urls()
    add("--postgres", default=servers.postgres, help="default: %(default)s")
    add("--redis", default=servers.redis, help="its databases 1 to 15; default: %(default)s")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit code is 1 if anything is wrong, never for a slow figure."""
    options = parser().parse_args(arguments)
    runs, seconds = (1_000, 0.5) if options.quick else (options.runs, options.seconds)
    with closing(Places(Urls(postgres=options.postgres, redis=options.redis))) as places:
        if reason := places.missing(SYSTEM):
            print(reason, file=sys.stderr)
            return 1
        os.environ |= {
            **places.make(SYSTEM),
            "DJANGO_SETTINGS_MODULE": "benchmarks.hosts.django_app.web_settings",
            "GORKFLOW_BENCH_SMALL": "1",
            QUICK_VARIABLE: "0",
        }
        from benchmarks.load.trial import conduct, prepare, table  # noqa: PLC0415

        found = conduct(
            prepare(runs),
            runs,
            seconds=seconds,
            clients=options.clients,
            workers=options.workers,
            threads=options.threads,
            log=places.logs / "load.log",
            say=_say,
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    load = os.getloadavg()[0]
    print(f"\n{os.cpu_count()} cores, load {load:.1f}, {runs} runs\n\n{table(found)}")
    for line in found["wrong"]:
        print(f"WRONG: {line}", file=sys.stderr)
    return 1 if found["wrong"] else 0


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


if __name__ == "__main__":
    # As Ctrl-C does, so that everything is stopped and removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
