"""Figures of the SDK, as ratios in one run: `make bench`, or `python -m benchmarks reading`."""
