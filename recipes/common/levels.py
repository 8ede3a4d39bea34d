"""Levels of waveforms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rms(waveform: NDArray[np.floating[Any]]) -> float:
    """The root mean square."""
    return float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))
