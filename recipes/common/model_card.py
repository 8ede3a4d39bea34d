"""What the model cards of several recipes write alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def format_values(values: Mapping[str, Any]) -> str:
    """Names and values in one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())
