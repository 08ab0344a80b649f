"""Measurements against the bundled sandbox: `python -m benchmarks`, or `make bench`."""
