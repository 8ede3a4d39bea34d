"""Predictions of a method for a clip, and their file format."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import torch
from torch import Tensor

from seac.core.errors import InputError

SUFFIX = ".npz"


@dataclass(frozen=True)
class Answer:
    """Prediction of one method for one frame.

    Attributes:
        heatmap: (h, w) float32 in [0, 1] at the scoring resolution of the benchmark.
        confidence: score that a visible object sounds; any scale, higher is more confident.
        decided: whether the method predicts a sounding object.
        semantic: (h, w) uint8 class of every pixel, 0 = background; None unless the truth is labels.
        best: oracle IoU: that of the best union of proposals with the truth; NaN where unknown.
    """

    heatmap: Tensor
    confidence: float
    decided: bool = True
    semantic: Tensor | None = None
    best: float = float("nan")


@dataclass(frozen=True)
class ClipAnswer:
    """Predictions of one method for all frames of a clip.

    Attributes:
        heatmaps: (F, h, w) float32 in [0, 1].
        confidence: (F,) float32.
        decided: (F,) bool.
        semantic: (F, h, w) uint8 or None.
        best: (F,) float32, NaN where unknown.
    """

    heatmaps: Tensor
    confidence: Tensor
    decided: Tensor
    semantic: Tensor | None
    best: Tensor

    @staticmethod
    def of(answers: list[Answer]) -> ClipAnswer:
        """Stack the predictions of a clip's frames, in temporal order; at least one frame."""
        semantic = [answer.semantic for answer in answers if answer.semantic is not None]
        return ClipAnswer(
            torch.stack([answer.heatmap for answer in answers]).float(),
            torch.tensor([answer.confidence for answer in answers], dtype=torch.float32),
            torch.tensor([answer.decided for answer in answers], dtype=torch.bool),
            torch.stack(semantic) if len(semantic) == len(answers) else None,
            torch.tensor([answer.best for answer in answers], dtype=torch.float32),
        )


def path_of(folder: Path, clip_id: str) -> Path:
    """File of a clip's prediction; characters of the id that a file name must not have are escaped."""
    return folder / f"{quote(clip_id, safe=' +|()[],=@')}{SUFFIX}"


def save(folder: Path, clip_id: str, answer: ClipAnswer) -> None:
    """Write a prediction atomically (temporary file, then rename).

    Heatmaps are stored as float16: 1,024 steps in [.5, 1], finer steps below; .5 is exact.
    """
    arrays = {
        "heatmaps": answer.heatmaps.half().numpy(),
        "confidence": answer.confidence.numpy(),
        "decided": answer.decided.numpy(),
        "best": answer.best.numpy(),
    }
    if answer.semantic is not None:
        arrays["semantic"] = answer.semantic.numpy()
    path = path_of(folder, clip_id)
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    temporary.replace(path)


def is_answer(path: Path) -> bool:
    """Whether a file has the array names that :func:`save` writes."""
    try:
        with zipfile.ZipFile(path) as file:
            names = {name.removesuffix(".npy") for name in file.namelist()}
    except Exception:  # zipfile raises arbitrary exceptions on damaged bytes
        return False
    return names - {"semantic"} == {"heatmaps", "confidence", "decided", "best"}


def load(path: Path) -> ClipAnswer:
    """Read a file of :func:`save`.

    Raises:
        InputError: the file is damaged or has another format.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            stored = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
        frames = len(stored["heatmaps"])
        return ClipAnswer(
            stored["heatmaps"].float(),
            stored.get("confidence", torch.full((frames,), float("nan"))).float(),
            stored.get("decided", torch.ones(frames, dtype=torch.bool)).bool(),
            stored.get("semantic"),
            stored.get("best", torch.full((frames,), float("nan"))).float(),
        )
    except Exception as error:  # numpy, zipfile and zlib raise arbitrary exceptions on damaged bytes
        raise InputError(
            f"{path}: not a prediction file of a clip ({type(error).__name__}); delete it and run again"
        ) from None
