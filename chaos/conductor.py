"""One chaos run from its first server to its last finding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaos import fleet
from chaos.fleet import Member
from chaos.journal import BLOWS, DIRECTORY_VARIABLE, MESSAGES, tally
from chaos.plans import strikes
from chaos.striking import Striker
from chaos.transport import MISCHIEF_VARIABLE, PREFIX, URL_VARIABLE, Mischief
from servers.brokers import BROKERS
from servers.postgresql import Postgres

TICK_SECONDS = 0.1
LATE_SECONDS = 240.0
"""After the last planned start, for those who start runs; they wait for runs to fail, too."""
DRAIN_SECONDS = 180.0
"""After the last start, for every run to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is to be done.

    Args:
        broker: a key of BROKERS.
        runs: how many are started.
        seconds: for how long runs are started and things are struck.
        seed: what plans, victims and messages' fates follow from.

    """

    broker: str
    runs: int
    seconds: float
    seed: int


def conduct(
    campaign: Campaign, directory: Path, say: Callable[[str], None]
) -> tuple[dict[str, Any], list[str]]:
    """Do it all.

    Args:
        campaign: what is to be done.
        directory: an empty one; servers' data, logs and journals go there.
        say: told what is going on.

    Returns:
        The figures, and everything that is wrong, a line each.

    Raises:
        MissingServerError: a server is not installed here, or did not start.

    """
    with ExitStack() as ends:
        database = Postgres(directory / "postgres")
        ends.callback(database.stop)
        broker = BROKERS[campaign.broker](directory / campaign.broker)
        ends.callback(broker.stop)
        say(f"starting {database.name} and {broker.name}; logs are in {directory}")
        database.create()
        broker.start()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "chaos.settings",
            "DATABASE_URL": database.url,
            URL_VARIABLE: PREFIX + broker.url,
            MISCHIEF_VARIABLE: json.dumps(asdict(Mischief(seed=campaign.seed))),
            DIRECTORY_VARIABLE: str(directory),
        }
        _manage("migrate", "--verbosity", "0")
        workers = [fleet.worker(index, directory) for index in range(len(fleet.POOLS))]
        starters = [
            fleet.starter(
                index,
                directory,
                seed=campaign.seed,
                runs=campaign.runs,
                seconds=campaign.seconds,
            )
            for index in range(fleet.STARTERS)
        ]
        for member in (*workers, *starters):
            ends.callback(member.clear)
        striker = Striker(
            campaign.seed, workers=workers, starters=starters, database=database, broker=broker
        )
        wrong = _besiege(campaign, striker, workers, starters, say)
        wrong += [trouble for member in workers if (trouble := member.stop())]
        say("asking the ledger and the invariant checker")
        figures, findings = _audit(campaign)
        return figures, [*wrong, *findings, *_verify()]


def _besiege(
    campaign: Campaign,
    striker: Striker,
    workers: Sequence[Member],
    starters: Sequence[Member],
    say: Callable[[str], None],
) -> list[str]:
    """Strike while runs are started, then wait until all is still; return what went wrong."""
    wrong: list[str] = []
    planned = strikes(campaign.seed, campaign.seconds)
    began = time.monotonic()

    def watch(*members: Member) -> None:
        for member in members:
            trouble = member.supervise()
            if trouble and not striker.excuses(member):
                wrong.append(trouble)
        time.sleep(TICK_SECONDS)

    for strike in planned:
        while time.monotonic() < began + strike.at:
            watch(*workers, *starters)
        say(f"{strike.at:5.1f} s: {strike.blow}")
        striker.strike(strike.blow)
    say("no more blows; waiting for the last starts")
    while not all(member.is_done for member in starters):
        if time.monotonic() > began + campaign.seconds + LATE_SECONDS:
            wrong.append("those who start runs have not come to their end")
            break
        watch(*workers, *starters)
    striker.wait()
    say("waiting for the last runs")
    with subprocess.Popen(
        [sys.executable, "-m", "django", "chaos_audit", "--wait", str(DRAIN_SECONDS)],
        cwd=fleet.ROOT,
        stdout=subprocess.DEVNULL,
    ) as waiting:
        while waiting.poll() is None:
            watch(*workers)
    return [*wrong, *striker.troubles]


def _audit(campaign: Campaign) -> tuple[dict[str, Any], list[str]]:
    """Return the figures and what the ledger finds."""
    printed = _manage("chaos_audit", "--seed", str(campaign.seed), "--runs", str(campaign.runs))
    figures = json.loads(printed)
    figures |= {"messages": tally(MESSAGES, "fate"), "blows": tally(BLOWS, "blow")}
    return figures, [
        " ".join(filter(None, (each["kind"] + ":", each["run"], each["text"])))
        for each in figures["findings"]
    ]


def _verify() -> list[str]:
    """Return what the app's own invariant checker finds, as one line."""
    done = _run("gorkflow", "verify", "--json")
    if done.returncode == 0:
        return []
    return [f"verify: {(done.stdout.strip() or done.stderr.strip())[-2000:]}"]


def _manage(*command: str) -> str:
    done = _run(*command)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", *command],
        cwd=fleet.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
