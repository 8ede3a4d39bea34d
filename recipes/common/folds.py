"""Classes in folds, each of which is left out of training once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

FOLDS = 4


def split_folds(names: Sequence[str], seed: int) -> list[list[str]]:
    """All names in ``FOLDS`` parts, each name in one of them."""
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(seed)).tolist()
    return [[names[index] for index in order[fold::FOLDS]] for fold in range(FOLDS)]
