"""Feature stores on disk: frozen features in checksummed Parquet files with random access."""

from seac.features.reader import Store, open_store

__all__ = ["Store", "open_store"]
