"""Figures: each script prints JSON. See docs/benchmarks.md."""
