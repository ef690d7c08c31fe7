"""The engine and the run handle it gives out."""

from gorkflow.engine.engine import Engine
from gorkflow.engine.run import Run

__all__ = ["Engine", "Run"]
