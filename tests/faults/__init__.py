"""Processes that die, and errors that rise, at every arrow."""
