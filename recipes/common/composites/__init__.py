"""Composite benchmarks in the public layouts: cut-outs on photographs, recordings, exact masks."""
