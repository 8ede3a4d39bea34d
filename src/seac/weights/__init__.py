"""Weights: a table of the required files, and a cache that holds only complete, verified files."""

from __future__ import annotations

from seac.weights.cache import Weights, cache_folder
from seac.weights.load import load_state
from seac.weights.record import Record
from seac.weights.table import TABLE, record

__all__ = ["TABLE", "Record", "Weights", "cache_folder", "load_state", "record"]
