"""The command: `python -m screenshots --help`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m screenshots",
        description="Let real workers work off the demo's runs, and take pictures of the admin.",
    )
    add = made.add_argument
    add("--to", type=Path, default=ROOT / "var" / "screenshots", help="default: %(default)s")
    add("--docs", action="store_true", help="write those that the docs show into docs/pictures")
    add("--rounds", type=int, default=6, help="of seven runs each; default: %(default)s")
    add("--only", nargs="+", metavar="NAME", help="as in NAME-light.png; default: all")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Take them all."""
    options = parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gorkflow-screenshots-") as directory:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "demo_project.settings",
            "DEMO_VAR_DIR": directory,
            "DJANGO_LOG_LEVEL": "ERROR",
            # Playwright leaves an event loop in this thread, and Django then refuses its database.
            "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
        }
        for name in ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_DEBUG"):
            os.environ.pop(name, None)
        import django  # noqa: PLC0415  the settings read what has just been set

        django.setup()
        from screenshots.camera import Camera, shots  # noqa: PLC0415
        from screenshots.scene import scene  # noqa: PLC0415

        with scene(Path(directory), options.rounds) as site, Camera(site, options.to) as camera:
            for shot in shots(site):
                if options.only and shot.name not in options.only:
                    continue
                for path in camera.take(shot):
                    print(path, f"{path.stat().st_size / 1000:.0f} kB", flush=True)
            if options.docs:
                camera.publish(ROOT / "docs" / "pictures")
    return 0


if __name__ == "__main__":
    # As Ctrl-C does, so that everything is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
