"""Gates for the steps of real workers."""

import pytest


@pytest.fixture
def gate(tmp_path):
    """Return a directory for marks and gates."""
    directory = tmp_path / "gate"
    directory.mkdir()
    return directory
