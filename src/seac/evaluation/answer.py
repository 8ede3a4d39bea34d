"""What a method answers to a clip, and how answers lie on disk so that they can be scored again."""

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
    """One frame under one method.

    Attributes:
        heatmap: (h, w) float32 in [0, 1] at the size that the benchmark is scored at.
        confidence: how sure the method is that something visible sounds; any scale, greater is surer.
        decided: whether the method says that something sounds.
        semantic: (h, w) uint8 class of every pixel, 0 = background; None where classes are not asked for.
        best: IoU with the truth of the best mask in hindsight; NaN where there are no masks to ask.
    """

    heatmap: Tensor
    confidence: float
    decided: bool = True
    semantic: Tensor | None = None
    best: float = float("nan")


@dataclass(frozen=True)
class ClipAnswer:
    """All frames of a clip under one method.

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
        """The answers of a clip's frames, in order of time; at least one."""
        semantic = [answer.semantic for answer in answers if answer.semantic is not None]
        return ClipAnswer(
            torch.stack([answer.heatmap for answer in answers]).float(),
            torch.tensor([answer.confidence for answer in answers], dtype=torch.float32),
            torch.tensor([answer.decided for answer in answers], dtype=torch.bool),
            torch.stack(semantic) if len(semantic) == len(answers) else None,
            torch.tensor([answer.best for answer in answers], dtype=torch.float32),
        )


def path_of(folder: Path, clip_id: str) -> Path:
    """Where a clip's answer lies; ids may hold anything, file names not."""
    return folder / f"{quote(clip_id, safe=' +|()[],=@')}{SUFFIX}"


def save(folder: Path, clip_id: str, answer: ClipAnswer) -> None:
    """Write an answer under a temporary name, then rename it.

    Heatmaps are kept as float16: of 1,024 steps in [.5, 1], finer below, and .5 itself is exact.
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
    """Whether a file holds what :func:`save` writes, by the names of its arrays."""
    try:
        with zipfile.ZipFile(path) as file:
            names = {name.removesuffix(".npy") for name in file.namelist()}
    except (OSError, zipfile.BadZipFile):
        return False
    return names - {"semantic"} == {"heatmaps", "confidence", "decided", "best"}


def load(path: Path) -> ClipAnswer:
    """Read what :func:`save` wrote.

    Raises:
        InputError: the file is damaged or holds something else; the line names it.
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
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: no answer of a clip ({type(error).__name__}); delete it and run again"
        ) from None
