"""External predictions: a folder of heatmaps or masks that is scored without a model.

The prediction of a clip is found by the clip's id, in the folder or below it, in this order::

    ID.npz                 file of `seac evaluate` (see seac.evaluation.answer)
    ID.npy                 (F, h, w) or (h, w): float heatmaps in [0, 1] or bool masks; int labels for avss
    ID.png                 one frame: 8-bit grey 0..255 is 0..1; for avss class numbers (palette or grey)
    ID/*.npy, ID/*.png     one frame each, in order of the last number in their names
    ID_1.png, ID_2.png ... one frame each, counted from 0 or from 1; npy likewise

so the ground truth of AVSBench can be scored in its own layout. ``confidence.csv`` (id, confidence) in the
folder gives confidences; the default confidence is the maximum of the heatmap.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from seac.core.errors import InputError
from seac.datasets.clip import Clip, Reader, TruthKind
from seac.datasets.csv_file import read_rows
from seac.evaluation.answer import SUFFIX, ClipAnswer, load, path_of

CONFIDENCE = "confidence.csv"
SUFFIXES = (".npy", ".png")


class ExternalPredictions:
    """A folder of predictions for a benchmark.

    Args:
        folder: folder of predictions.
        reader: benchmark; defines the sizes and the type of prediction.

    Raises:
        InputError: the folder does not exist, or confidence.csv cannot be read.
    """

    def __init__(self, folder: Path, reader: Reader) -> None:
        if not folder.is_dir():
            raise InputError(
                f"{folder}: no such folder; --predictions takes a folder of npz, npy or png files"
            )
        self.folder, self.reader = folder, reader
        self._confidence = confidences(folder / CONFIDENCE)
        self._named = names_below(folder)

    def has(self, clip: Clip) -> bool:
        """Whether there is a file name for a clip; the file is not read."""
        return bool(self._found(clip))

    def read(self, clip: Clip) -> ClipAnswer:
        """Read and check the prediction of a clip.

        Raises:
            InputError: wrong size or count, NaN, or values out of range; the message names the file.
        """
        files = self._found(clip)
        if not files:
            raise InputError(
                f"{self.folder}: holds no prediction for {clip.id}; give one, or --allow-missing"
            )
        if files[0].suffix == SUFFIX:
            answer = load(files[0])
            self._check(files[0], answer.heatmaps, clip)
            return answer
        arrays, name = self._opened(files)
        if self.reader.kind is TruthKind.LABELS:
            labels = self._labels(name, arrays, clip)
            return self._answer(clip, (labels > 0).float(), labels)
        heat = arrays.float()
        self._check(name, heat, clip)
        return self._answer(clip, heat, None)

    def _found(self, clip: Clip) -> list[Path]:
        """Files of a clip's prediction, in order of the frames; empty if there is no prediction."""
        saved = path_of(self.folder, clip.id)
        if saved.is_file():
            return [saved]
        for suffix in SUFFIXES:
            if f"{clip.id}{suffix}" in self._named:
                return [self._named[f"{clip.id}{suffix}"]]
        inside = self._named.get(f"{clip.id}/")
        for suffix in SUFFIXES:
            files = sorted(inside.glob(f"*{suffix}"), key=last_number) if inside is not None else []
            counted = [self._counted(clip, suffix, first) for first in (1, 0)]
            if files or any(counted):
                return files or counted[0] or counted[1]
        return []

    def _counted(self, clip: Clip, suffix: str, first: int) -> list[Path]:
        names = [f"{clip.id}_{first + frame}{suffix}" for frame in range(len(clip.frames))]
        return [self._named[name] for name in names] if all(name in self._named for name in names) else []

    def _opened(self, files: list[Path]) -> tuple[Tensor, Path]:
        """All frames of some files, and the path for error messages."""
        parts = [read_array(file) if file.suffix == ".npy" else self._read_image(file) for file in files]
        if len(parts) == 1:
            return (parts[0] if parts[0].ndim == 3 else parts[0][None]), files[0]
        if len({tuple(part.shape) for part in parts}) > 1:
            raise InputError(f"{files[0].parent}: frames of different sizes; give all of one size")
        return torch.stack(parts), files[0].parent

    def _answer(self, clip: Clip, heat: Tensor, semantic: Tensor | None) -> ClipAnswer:
        frames = len(heat)
        given = self._confidence.get(clip.id)
        sure = torch.full((frames,), given) if given is not None else heat.flatten(1).amax(1)
        active = heat.flatten(1).any(1)
        return ClipAnswer(heat, sure.float(), active, semantic, torch.full((frames,), float("nan")))

    def _read_image(self, path: Path) -> Tensor:
        try:
            with Image.open(path) as image:
                if self.reader.kind is TruthKind.LABELS:
                    if image.mode not in {"P", "L", "I", "I;16"}:
                        raise InputError(f"{path}: is {image.mode}; class numbers need a grey or palette png")
                    return torch.from_numpy(np.asarray(image).astype(np.int64))
                deep = image.mode in {"I", "I;16"}
                grey = np.asarray(image if deep else image.convert("L"), dtype=np.float32)
                return torch.from_numpy(grey / (65_535 if deep else 255))
        except (OSError, UnidentifiedImageError, SyntaxError):
            raise InputError(f"{path}: cannot be read as an image; write it again") from None

    def _check(self, path: Path, heat: Tensor, clip: Clip) -> None:
        self._shape(path, heat, clip)
        if not torch.isfinite(heat).all():
            raise InputError(f"{path}: holds NaN or infinity; give finite values")
        low, high = float(heat.min()), float(heat.max())
        if low < 0 or high > 1:
            raise InputError(
                f"{path}: values from {low:.4g} to {high:.4g}; give heatmaps in [0, 1] (a sigmoid of logits)"
            )

    def _labels(self, path: Path, labels: Tensor, clip: Clip) -> Tensor:
        self._shape(path, labels, clip)
        max_class = len(self.reader.classes) - 1
        if labels.is_floating_point() or bool((labels < 0).any()) or bool((labels > max_class).any()):
            raise InputError(
                f"{path}: holds no class numbers from 0 to {max_class}; give integers, 0 = background"
            )
        return labels.to(torch.uint8)

    def _shape(self, path: Path, array: Tensor, clip: Clip) -> None:
        wanted = (len(clip.frames), *self.reader.size)
        if tuple(array.shape) != wanted:
            raise InputError(
                f"{path}: is {tuple(array.shape)}; this benchmark needs {wanted} (frames, height, width)"
            )


def names_below(folder: Path) -> dict[str, Path]:
    """Prediction files below a folder by name, and folders by name with a trailing slash.

    Of several with the same name, the first in order of paths is used.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES:
            found.setdefault(path.name, path)
        elif path.is_dir():
            found.setdefault(f"{path.name}/", path)
    return found


def last_number(path: Path) -> tuple[int, str]:
    """Sort the files of frames by the last number in their names."""
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]) if numbers else -1, path.name)


def read_array(path: Path) -> Tensor:
    """Read an npy file of one or more frames as a float32, bool or int64 tensor.

    Raises:
        InputError: no array, pickled objects, or another number of axes.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except Exception:  # numpy parses the header as Python source, which raises arbitrary exceptions
        raise InputError(f"{path}: cannot be read as an npy array; write it with numpy.save") from None
    if not isinstance(array, np.ndarray) or array.ndim not in (2, 3) or array.dtype.kind not in "fbiu":
        raise InputError(f"{path}: give a float, bool or integer array (frames, height, width)")
    return torch.from_numpy(array.astype(np.float32 if array.dtype.kind == "f" else np.int64))


def confidences(path: Path) -> dict[str, float]:
    """Confidence by clip id, from a csv; empty if there is no file.

    Raises:
        InputError: not a CSV file, or a row is not ``id,confidence``.
    """
    if not path.is_file():
        return {}
    found: dict[str, float] = {}
    for number, row in read_rows(path):
        if number == 1 and row[0].lower() == "id":
            continue
        try:
            found[row[0]] = float(row[1])
        except (IndexError, ValueError):
            raise InputError(f"{path}, line {number}: {','.join(row)!r}; give id,confidence") from None
    return found
