"""The Django store keeps the contract, on whatever database DATABASE_URL names."""

import pytest

from gorkflow.stores.orm import DjangoStore
from gorkflow.testing.contracts import StoreContract


@pytest.mark.usefixtures("sound")
class TestDjangoStore(StoreContract):
    @pytest.fixture
    def store(self):
        return DjangoStore()


@pytest.mark.usefixtures("sound")
class TestPortableDjangoStore(StoreContract):
    @pytest.fixture
    def store(self):
        return DjangoStore(portable=True)
