"""Benchmarks: `python -m benchmarks`; docs/benchmarks.md says how and shows the last run."""
