"""Segment Anything and its kin as promptable segmenters, on transformers' networks."""
