"""Frozen features on disk: columnar, checksummed, read at random."""

from seac.features.reader import Store, open_store

__all__ = ["Store", "open_store"]
