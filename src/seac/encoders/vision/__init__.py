"""Frozen image encoders, one file each."""
