"""Fit the order of superpixel regions on composites: which evidence speaks for a thing.

    python -m training.proposals.order --media ../shared/data/media/train --seed 0

A logistic regression from the evidence of each candidate to the square of its best IoU with a rendered thing.
Prints the two rows of coefficients that ``seac.segment.classic`` holds: without saliency and with it. With
``--shared ../shared`` the third instead: the order of what the network leaves, fitted to the human
regions of every other photograph; the rest stays for measuring.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.proposals import photographs
from seac.segment.classic import DEEP_TREES, Classic, ClassicSettings, candidates, evidence
from seac.segment.network import Network
from training.proposals.scenes import Painter, Scene

LEAST_AREA, LEAST_SHARE = 120, 0.005
STRENGTH = 1e-2  # of the pull to nought where photographs are few


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


def photographed(
    picture: NDArray[np.uint8], true: NDArray[np.bool_], classic: Classic, network: Network
) -> tuple[Tensor, Tensor]:
    """Evidence (K, E) of the candidates of a photograph, and their best IoU with a human region (K,)."""
    image = torch.from_numpy(picture.copy()).permute(2, 0, 1)
    leaves, _ = classic.leaves(image, network.drawn(image).taps)
    rows, persistence = candidates(leaves, classic.settings, None)
    small = F.interpolate(torch.from_numpy(true).float()[None], leaves.labels.shape, mode="nearest-exact")[0]
    best = np.zeros(len(rows), np.float32)
    for mask in small.numpy():
        onto = np.bincount(leaves.labels.ravel(), mask.ravel(), len(leaves))
        both = rows @ onto
        best = np.maximum(best, both / (rows @ leaves.area + mask.sum() - both))
    return torch.from_numpy(evidence(leaves, rows, persistence, None)), torch.from_numpy(best).float()


def fit(given: Tensor, iou: Tensor, strength: float = 1e-3) -> NDArray[np.float64]:
    """Coefficients (E + 1,), the intercept last; good candidates are rare and weigh more."""
    mean, deviation = given.mean(0), given.std(0) + 1e-6
    even = torch.cat([(given - mean) / deviation, torch.ones(len(given), 1)], 1)
    weights = torch.zeros(even.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=100)

    def closure() -> Tensor:
        optimiser.zero_grad()
        rare = 1 + 10 * (iou > 0.5).float()
        loss = F.binary_cross_entropy_with_logits(even @ weights, iou**2, weight=rare)
        loss = loss + strength * weights[:-1].square().sum()
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
    parser.add_argument("--media", type=Path, help="folder of cut-outs and backgrounds")
    parser.add_argument("--shared", type=Path, help="folder with data/photos")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenes", type=int, default=120)
    given = parser.parse_args()
    if given.shared:
        classic, network = Classic(ClassicSettings(saliency=False, trees=DEEP_TREES)), Network()
        cases = photographs(given.shared, LEAST_SHARE, step=2)
        pairs = [photographed(picture, true, classic, network) for picture, true in cases]
        found = fit(torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs]), STRENGTH)
        print("STUFF", ", ".join(f"{value:.2f}" for value in found))
        return
    if given.media is None:
        parser.error("needs --media or --shared")
    painter = Painter(given.media, 240)
    for name, saliency in (("PLAIN", False), ("SALIENT", True)):
        classic = Classic(ClassicSettings(saliency=saliency))
        draw = np.random.default_rng(given.seed)
        pairs = [examples(painter(draw), classic) for _ in range(given.scenes)]
        found = fit(torch.cat([p[0] for p in pairs]), torch.cat([p[1] for p in pairs]))
        print(name, ", ".join(f"{value:.2f}" for value in found))


if __name__ == "__main__":
    main()
