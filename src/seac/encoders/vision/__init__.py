"""Frozen vision encoders, one file each."""
