"""Fit the scores of the superpixel regions of segmenter ``classic`` on composites.

    python -m recipes.proposal_net.region_score --media ../shared/data/media/train --seed 0

The score is a logistic regression from the features of a candidate to the square of its best IoU with a
rendered part. The command prints the rows of coefficients of ``seac.segment.baselines.region_score``:
PLAIN and SALIENT, without and with saliency.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from recipes.common.object_scenes import Painter, Scene
from seac.segment.baselines.classic import Classic, ClassicSettings, candidates
from seac.segment.baselines.region_score import region_features
from seac.segment.baselines.superpixels import Superpixels

MIN_AREA = 120
SIDE = 240
ROWS = ("PLAIN", "SALIENT")
Pair = tuple[Tensor, Tensor]


def region_examples(scene: Scene, classic: Classic) -> Pair:
    """Features (K, E) of the candidate regions of a scene, and their best IoU with its parts (K,)."""
    leaves, salience = classic.leaves(_image(scene))
    rows, persistence = candidates(leaves, classic.settings, salience)
    return torch.from_numpy(region_features(leaves, rows, persistence, salience)), best_iou(
        leaves, rows, scene
    )


def best_iou(leaves: Superpixels, rows: NDArray[np.bool_], scene: Scene) -> Tensor:
    """The best IoU of each set of superpixels (K, R) with the visible parts of the scene: (K,) float32."""
    true = np.stack([scene.owner == k for k in range(scene.count)])
    true = true[true.sum((1, 2)) >= MIN_AREA]
    best = np.zeros(len(rows), np.float32)
    for mask in true:
        onto = np.bincount(leaves.labels.ravel(), mask.ravel(), len(leaves))
        both = rows @ onto
        best = np.maximum(best, both / (rows @ leaves.area + mask.sum() - both))
    return torch.from_numpy(best).float()


def fit(given: Tensor, iou: Tensor) -> NDArray[np.float64]:
    """Fit the coefficients (E + 1,), the intercept last; rare candidates of high IoU have more weight."""
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


def build_example_source(row: str, media: Path) -> Callable[[np.random.Generator], Pair]:
    """A function that renders a scene and returns the examples of its candidates, for one of ``ROWS``."""
    painter, classic = Painter(media, SIDE), Classic(ClassicSettings(saliency=row == "SALIENT"))
    return lambda rng: region_examples(painter(rng), classic)


def _image(scene: Scene) -> Tensor:
    return torch.from_numpy(scene.image.copy()).permute(2, 0, 1)


def main() -> None:
    """Fit the coefficients from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, required=True, help="folder of cut-outs and backgrounds")
    parser.add_argument("--row", choices=ROWS, help="fit this row only")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=120)
    given = parser.parse_args()
    for row in [given.row] if given.row else ROWS:
        make_example, rng = build_example_source(row, given.media), np.random.default_rng(given.seed)
        pairs = [make_example(rng) for _ in range(given.scenes)]
        found = fit(torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs]))
        print(row, ", ".join(f"{value:.2f}" for value in found))


if __name__ == "__main__":
    main()
