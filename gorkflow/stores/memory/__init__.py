"""The store in memory."""

from gorkflow.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
