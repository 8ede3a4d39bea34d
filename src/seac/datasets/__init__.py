"""Readers of benchmarks, and training pairs."""
