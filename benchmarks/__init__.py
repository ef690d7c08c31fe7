"""Measures this engine beside its peers: `make bench`, or `python -m benchmarks`."""
