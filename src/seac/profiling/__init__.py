"""Profiling: seac against a reference implementation with the same weights; speed ratios and fidelity."""
