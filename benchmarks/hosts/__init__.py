"""Host projects that the drivers and their workers run in."""
