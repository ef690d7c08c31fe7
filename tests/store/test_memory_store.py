"""The memory store keeps the contract."""

import pytest

from gorkflow.stores.memory import MemoryStore
from gorkflow.testing import VirtualClock
from gorkflow.testing.contracts import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def clock(self):
        return VirtualClock()

    @pytest.fixture
    def store(self, clock):
        self.virtual_clock = clock
        return MemoryStore(clock.now)

    def pass_time(self, store, seconds):
        self.virtual_clock.advance(seconds)
