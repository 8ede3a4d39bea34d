"""The calibration: constants that map a logit to a probability and a decision (Platt scaling).

The constants come from ``python -m recipes.decision.calibrate`` or ``seac calibrate``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from seac.core.atomic import write_atomic

ASSET = "assets/calibration.json"


@dataclass(frozen=True)
class Calibration:
    """Constants of the decision.

    Attributes:
        slope: slope of the logistic curve over the logit.
        offset: offset of the logistic curve; probability = sigmoid(slope * logit + offset).
        threshold: minimum probability of a sounding mask.
        margin: maximum distance of the logit of a sounding mask from the maximum logit of the frame.
        floor: dBFS (RMS of the loudest tenth of a second) below which audio is silent.
        noise_gate: whether stationary noise is inactive; a learned head recognises noise itself.
    """

    slope: float = 8.0
    offset: float = -3.0
    threshold: float = 0.5
    margin: float = 2.0
    floor: float = -60.0
    noise_gate: bool = True

    @classmethod
    def load(cls, association: str = "zero-shot") -> Calibration:
        """Shipped constants of an association; the constants of "zero-shot" if it was not calibrated."""
        table = json.loads(files("seac").joinpath(ASSET).read_text(encoding="utf-8"))
        return cls(**table.get(association, table["zero-shot"]))

    def save(self, path: Path, association: str = "zero-shot") -> None:
        """Write the constants of one association to the JSON file of all associations, atomically."""
        table = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        write_atomic(path, json.dumps(table | {association: asdict(self)}, indent=2) + "\n")

    def probability(self, similarity: Tensor) -> Tensor:
        """Probability that a mask with this similarity sounds: (N,) float32 in [0, 1]."""
        return torch.sigmoid(self.slope * similarity.float() + self.offset)
