"""The contract of a dispatcher: carry the hint "this run has ready work on that queue"."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A message, before it is one. It carries ids alone; the rows are the truth."""

    run_id: UUID
    queue: str
    priority: int = 5
    delay: float = 0.0
    """Seconds the broker should hold it back."""


class Dispatcher(ABC):
    """Sends hints to workers. A hint may be lost, doubled, late or out of order."""

    @abstractmethod
    def send(self, hint: Hint) -> None:
        """Hand the hint to whatever carries it, once the caller's transaction has committed.

        When the broker cannot be reached it logs that and does not raise: the sweep sends again.
        """

    def flush(self) -> None:  # noqa: B027  most carry a hint at once
        """Wait, though not for ever, until what was sent is with whatever carries it."""
