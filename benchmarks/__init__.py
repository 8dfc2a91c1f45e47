"""Measured cases, each against its references; `python -m benchmarks.run` runs them."""
