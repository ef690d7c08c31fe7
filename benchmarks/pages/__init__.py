"""How long the admin's pages take over a long history: `python -m benchmarks.pages`."""
