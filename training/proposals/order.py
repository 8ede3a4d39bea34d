"""Fit the order of superpixel regions on composites: which evidence speaks for a thing.

    python -m training.proposals.order --media ../shared/data/media/train --seed 0

A logistic regression from the evidence of each candidate to the square of its best IoU with a rendered thing.
Prints the two rows of coefficients that ``seac.segment.classic`` holds: without saliency and with it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from seac.segment.classic import Classic, ClassicSettings, candidates, evidence
from training.proposals.scenes import Painter, Scene

LEAST_AREA = 120


def examples(scene: Scene, classic: Classic) -> tuple[Tensor, Tensor]:
    """Evidence (K, E) of the candidates of a scene, and their best IoU with one of its things (K,)."""
    image = torch.from_numpy(scene.picture.copy()).permute(2, 0, 1)
    leaves, salience = classic.leaves(image)
    rows, persistence = candidates(leaves, classic.settings, salience)
    true = np.stack([scene.owner == k for k in range(scene.count)])
    true = true[true.sum((1, 2)) >= LEAST_AREA]
    best = np.zeros(len(rows), np.float32)
    for mask in true:
        onto = np.bincount(leaves.labels.ravel(), mask.ravel(), len(leaves))
        both = rows @ onto
        best = np.maximum(best, both / (rows @ leaves.area + mask.sum() - both))
    return torch.from_numpy(evidence(leaves, rows, persistence, salience)), torch.from_numpy(best).float()


def fit(given: Tensor, iou: Tensor) -> NDArray[np.float64]:
    """Coefficients (E + 1,), the intercept last; good candidates are rare and weigh more."""
    mean, deviation = given.mean(0), given.std(0) + 1e-6
    even = torch.cat([(given - mean) / deviation, torch.ones(len(given), 1)], 1)
    weights = torch.zeros(even.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100)

    def closure() -> Tensor:
        optimiser.zero_grad()
        rare = 1 + 10 * (iou > 0.5).float()
        loss = F.binary_cross_entropy_with_logits(even @ weights, iou**2, weight=rare)
        loss = loss + 1e-3 * weights[:-1].square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    found = weights.detach().numpy().astype(np.float64)
    slopes = found[:-1] / deviation.numpy()
    return np.append(slopes, found[-1] - slopes @ mean.numpy())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=120)
    given = parser.parse_args()
    painter = Painter(given.media, 240)
    for name, saliency in (("PLAIN", False), ("SALIENT", True)):
        classic = Classic(ClassicSettings(saliency=saliency))
        draw = np.random.default_rng(given.seed)
        pairs = [examples(painter(draw), classic) for _ in range(given.scenes)]
        found = fit(torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs]))
        print(name, ", ".join(f"{value:.2f}" for value in found))


if __name__ == "__main__":
    main()
