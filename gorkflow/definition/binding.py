"""Which engine `workflow.start()` speaks to: the process's own, or one for the moment.

The definition layer knows no engine. Whatever sets one up (the Django app, a test) binds it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from gorkflow.errors import ConfigurationError

if TYPE_CHECKING:
    from gorkflow.config import StartOptions
    from gorkflow.definition.workflow import Workflow
    from gorkflow.engine.run import Run


class EngineProtocol(Protocol):
    """What a workflow needs of an engine."""

    def start(
        self,
        workflow: Workflow[Any, Any],
        input: Any,  # noqa: A002  the public word
        options: StartOptions,
        /,
    ) -> Run[Any]:
        """Start a run and return at once, unless the options ask for a synchronous one."""

    async def astart(
        self,
        workflow: Workflow[Any, Any],
        input: Any,  # noqa: A002  the public word
        options: StartOptions,
        /,
    ) -> Run[Any]:
        """Do the same in async code."""


class _Default:
    """The process default, held by an object so that no module global is rebound."""

    def __init__(self) -> None:
        self.factory: Callable[[], EngineProtocol] | None = None


_default = _Default()
_override: ContextVar[EngineProtocol | None] = ContextVar("gorkflow_engine", default=None)


def bind_engine(factory: Callable[[], EngineProtocol] | None) -> None:
    """Set the process's default engine.

    Args:
        factory: called whenever an engine is needed, so it should remember what it made; None
            takes the default away.

    """
    _default.factory = factory


@contextmanager
def using_engine(engine: EngineProtocol) -> Iterator[EngineProtocol]:
    """Let `engine` be the current one inside the `with` block, in this thread or task alone."""
    token = _override.set(engine)
    try:
        yield engine
    finally:
        _override.reset(token)


def current_engine() -> EngineProtocol:
    """Return the engine of the enclosing `using_engine`, else the process's default.

    Raises:
        ConfigurationError: there is neither.

    """
    engine = _override.get()
    if engine is not None:
        return engine
    if _default.factory is None:
        msg = (
            "no engine is set up: add 'gorkflow' to INSTALLED_APPS and call django.setup(), or in a"
            " test use gorkflow.testing (or `with using_engine(engine):`)"
        )
        raise ConfigurationError(msg)
    return _default.factory()
