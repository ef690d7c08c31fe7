"""`manage.py gorkflow sweep`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser, OutputWrapper

from gorkflow.wiring import get_engine

HELP = "Find work that nobody does and tell the workers; once."


def add_arguments(parser: CommandParser) -> None:
    """Take none."""


def run(_options: dict[str, Any], out: OutputWrapper) -> None:
    """Sweep once."""
    out.write(f"acted on {get_engine().sweep()}")
