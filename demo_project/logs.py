"""Logging for the whole project: structlog in front, standard logging routed through it.

Gorkflow never configures structlog; that is the host project's business, done here.
`settings.LOGGING_CONFIG` names `configure`, so every process gets it with `django.setup()`.
"""

from __future__ import annotations

import logging.config
import sys
from pathlib import Path
from typing import Any

import structlog
from celery.signals import setup_logging
from structlog.typing import EventDict, Processor, WrappedLogger

SHARED: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(config: dict[str, Any]) -> None:
    """Apply a `LOGGING` dict, then send structlog's events down the same way."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    setup_logging.connect(_keep_ours)


def _keep_ours(**_: Any) -> None:
    """Do nothing: Celery leaves logging alone once somebody listens."""


def formatter(*, to_terminal: bool | None = None) -> logging.Formatter:
    """Return colours for a terminal, one JSON object per line for everything else.

    Args:
        to_terminal: None finds out whether standard error is one.

    """
    renderers: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if sys.stderr.isatty() if to_terminal is None else to_terminal:
        renderers.append(structlog.dev.ConsoleRenderer())
    else:
        renderers += [
            structlog.processors.format_exc_info,
            _what_first,
            structlog.processors.JSONRenderer(default=str),
        ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=SHARED, processors=renderers)


def _what_first(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put when, how bad and what before everything else, for whoever reads the lines."""
    first = [name for name in ("timestamp", "level", "event") if name in event]
    return {name: event[name] for name in (*first, *(name for name in event if name not in first))}


def logging_dict(level: str) -> dict[str, Any]:
    """Return the `LOGGING` setting: everything to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"events": {"()": "demo_project.logs.formatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "events"}},
        "root": {"handlers": ["stderr"], "level": level},
        # Django gives these two handlers of their own; one way out for all is enough.
        "loggers": {
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
        },
    }


def log_to_file(path: Path) -> None:
    """Send this process's log to a file from here on, where a terminal shows something else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, delay=True)
    handler.setFormatter(formatter(to_terminal=False))
    logging.getLogger().handlers[:] = [handler]
