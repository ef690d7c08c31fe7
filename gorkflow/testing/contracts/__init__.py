"""The suite that every WorkflowStore has to pass. Needs pytest.

Example:
    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            return MyStore()

"""

from gorkflow.testing.contracts.claiming import ClaimingContract
from gorkflow.testing.contracts.finishing import FinishingContract
from gorkflow.testing.contracts.postponing import PostponingContract
from gorkflow.testing.contracts.reading import ReadingContract
from gorkflow.testing.contracts.recovering import RecoveringContract
from gorkflow.testing.contracts.starting import StartingContract
from gorkflow.testing.contracts.steering import SteeringContract

__all__ = ["StoreContract"]


class StoreContract(
    StartingContract,
    PostponingContract,
    ClaimingContract,
    FinishingContract,
    SteeringContract,
    RecoveringContract,
    ReadingContract,
):
    """Every promise of the store contract, one test each."""

    __test__ = False

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = cls.__name__.startswith("Test")
