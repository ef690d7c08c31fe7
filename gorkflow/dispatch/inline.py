"""A dispatcher that keeps hints in a list: for tests and for runs that need no workers."""

from __future__ import annotations

from collections import deque

from gorkflow.dispatch.base import Dispatcher, Hint


class InlineDispatcher(Dispatcher):
    """Holds hints until somebody takes them; `gorkflow.testing` works them off in order."""

    def __init__(self) -> None:
        self.hints: deque[Hint] = deque()

    def send(self, hint: Hint) -> None:
        """Keep the hint."""
        self.hints.append(hint)
