"""The libSQL backend against real servers (sqld)."""
