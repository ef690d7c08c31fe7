"""What to test your workflows with, and the suite for authors of stores.

`local_engine` runs workflows in the test's own thread on a memory store and a virtual clock: no
database, no broker, and no waiting for retry delays. `StoreContract` needs pytest.
"""

from gorkflow.testing.clock import VirtualClock
from gorkflow.testing.local import LocalEngine, local_engine

__all__ = ["LocalEngine", "VirtualClock", "local_engine"]
