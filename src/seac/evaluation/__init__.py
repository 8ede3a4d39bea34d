"""Protocols, benchmarks, baselines, report."""
