"""Cross-validation over classes: each fold is left out of training once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

FOLDS = 4


def split_folds(classes: Sequence[str], seed: int) -> list[list[str]]:
    """Split the classes at random into FOLDS parts."""
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(seed)).tolist()
    return [[classes[index] for index in order[fold::FOLDS]] for fold in range(FOLDS)]


def fold_weights(work: Path) -> list[Path]:
    """Files of the class heads that ``recipes.class_heads`` trains without each fold."""
    return [work / "class_heads" / f"without_fold_{fold}.safetensors" for fold in range(FOLDS)]


def to_class_name(identifier: str) -> str:
    """The class name of a folder name: ``acoustic_guitar`` is "acoustic guitar"."""
    return identifier.replace("_", " ")
