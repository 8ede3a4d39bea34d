"""Composite benchmarks: cut-outs on photographs with recordings, in the public layouts, with exact masks."""
