"""The teacher YAMNet: 521 class scores and a 1024-d embedding of a window."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

EMBEDDING = 112
"""Index of the embedding tensor in the graph."""


class Teacher:
    """Runs ``yamnet.tflite`` on one core."""

    def __init__(self, path: Path) -> None:
        with warnings.catch_warnings():  # preserving all tensors is intended: one of them is the embedding
            warnings.simplefilter("ignore")
            self._graph = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
        self._graph.allocate_tensors()
        self._input = self._graph.get_input_details()[0]["index"]
        self._scores = self._graph.get_output_details()[0]["index"]

    def __call__(self, window: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Scores (521,) and embedding (1024,) of a window (15600,) float32 in [-1, 1]."""
        self._graph.set_tensor(self._input, window)
        self._graph.invoke()
        return self._graph.get_tensor(self._scores).reshape(-1), self._graph.get_tensor(EMBEDDING).reshape(-1)
