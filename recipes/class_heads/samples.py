"""Training samples of the class heads: labelled embeddings, all classes equally frequent."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from recipes.common.feature_cache import GROUND, load_clips, read_mask_names, shards, single_class_clips
from recipes.common.media_bank import SILENT

Rows = NDArray[np.int64]
Sampler = Callable[[int, np.random.Generator], tuple[Tensor, Tensor]]
"""From a count and a generator: embeddings (n, d), targets (n, K + 1) that sum to 1, the last one of none."""


class LabelledSamples(Protocol):
    """Labelled embeddings of one modality."""

    def __len__(self) -> int:
        """How many samples."""
        ...

    def names(self) -> list[str]:
        """All classes, sorted."""
        ...

    def known(self, classes: Sequence[str]) -> Tensor:
        """All embeddings (n, d) that these classes may be trained on."""
        ...

    def make_sampler(self, classes: Sequence[str]) -> Sampler:
        """A sampler of these classes, all equally frequent."""
        ...


@dataclass(frozen=True)
class ImageSamples:
    """Views of objects, and of background.

    Attributes:
        embeddings: (n, d).
        classes: of each view: a class, SILENT for an object of none, GROUND for no object.
        files: the cut-out that is shown, or the scene.
        none: shares of samples that are SILENT and GROUND, where there are any.
    """

    embeddings: Tensor
    classes: tuple[str, ...]
    files: tuple[str, ...]
    none: tuple[float, float] = (0.15, 0.1)

    @classmethod
    def of(cls, crops_folder: Path, scenes_folder: Path) -> ImageSamples:
        """High-resolution crops of objects, and local views of all masks of the association's scenes."""
        parts = shards(crops_folder)
        embeddings = [part["embeddings"] for part in parts]
        classes, files = (
            [entry for part in parts for entry in json.loads(str(part[name]))]
            for name in ("classes", "files")
        )
        for number, part in enumerate(shards(scenes_folder)):
            embeddings.append(part["local"])
            classes += [
                GROUND if class_name is None else class_name
                for class_name in read_mask_names(part, "classes")
            ]
            files += [
                f"{number}/{scene}" if file is None else file
                for scene, file in zip(part["scene"].tolist(), read_mask_names(part, "files"), strict=True)
            ]
        return cls(torch.from_numpy(np.concatenate(embeddings)), tuple(classes), tuple(files))

    def __len__(self) -> int:
        return len(self.classes)

    def names(self) -> list[str]:
        """All classes, sorted."""
        return sorted(set(self.classes) - {SILENT, GROUND})

    def known(self, classes: Sequence[str]) -> Tensor:
        """Views of these classes and of silent objects."""
        trained = {*classes, SILENT}
        return self.embeddings[[row for row, class_name in enumerate(self.classes) if class_name in trained]]

    def make_sampler(self, classes: Sequence[str]) -> Sampler:
        """Every class is equally frequent, and in each every cut-out."""
        rows, names = self._rows(), [*classes, SILENT, GROUND]
        shares = [
            share if name in rows else 0.0 for name, share in zip((SILENT, GROUND), self.none, strict=True)
        ]
        chances = np.array([*[(1 - sum(shares)) / len(classes)] * len(classes), *shares])

        def sample(count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
            labels = rng.choice(len(names), count, p=chances)
            chosen = [choose_row(rows[names[label]], rng) for label in labels]
            class_indices = torch.from_numpy(np.minimum(labels, len(classes)))
            return self.embeddings[chosen], functional.one_hot(class_indices, len(classes) + 1).float()

        return sample

    def _rows(self) -> dict[str, list[Rows]]:
        """The rows of each file, by class."""
        found: dict[str, dict[str, list[int]]] = {}
        for row, (class_name, file) in enumerate(zip(self.classes, self.files, strict=True)):
            found.setdefault(class_name, {}).setdefault(file, []).append(row)
        return {
            class_name: [np.array(rows) for rows in files.values()] for class_name, files in found.items()
        }


@dataclass(frozen=True)
class AudioSamples:
    """Clips of one class, and of two at once.

    Attributes:
        windows: (n, W, d) embeddings of n clips, window by window.
        classes: that each clip is the sum of.
        mixed: share of samples that are of two classes, where there are any.
    """

    windows: Tensor
    classes: tuple[tuple[str, ...], ...]
    mixed: float = 0.3

    @classmethod
    def of(cls, *folders: Path) -> AudioSamples:
        """The clips of folders of shards."""
        return cls(*load_clips(*folders))

    def __len__(self) -> int:
        return len(self.classes)

    def names(self) -> list[str]:
        """All classes that have clips of their own, sorted."""
        return sorted({names[0] for names in self.classes if len(names) == 1})

    def known(self, classes: Sequence[str]) -> Tensor:
        """Windows of these classes, alone and together."""
        clips = [row for row, names in enumerate(self.classes) if set(names) <= set(classes)]
        return self.windows[clips].flatten(0, 1)

    def make_sampler(self, classes: Sequence[str]) -> Sampler:
        """Every class is equally frequent; of two classes at once each is half of the target."""
        clips_by_class = single_class_clips(self.classes)
        both = [
            row for row, names in enumerate(self.classes) if len(names) > 1 and set(names) <= set(classes)
        ]
        column_of = {name: row_index for row_index, name in enumerate(classes)}

        def sample(count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
            rows = [
                int(rng.choice(clips_by_class[classes[label]]))
                for label in rng.integers(len(classes), size=count)
            ]
            for row_index in np.flatnonzero(rng.random(count) < (self.mixed if both else 0.0)):
                rows[row_index] = int(rng.choice(both))
            targets = torch.zeros(count, len(classes) + 1)
            for row, clip in enumerate(rows):
                names = self.classes[clip]
                targets[row, [column_of[name] for name in names]] = 1 / len(names)
            return self.windows[rows, rng.integers(self.windows.shape[1], size=count)], targets

        return sample


def choose_row(files: Sequence[Rows], rng: np.random.Generator) -> int:
    """A row of a random file: one with many rows is not more frequent than one with few."""
    rows = files[int(rng.integers(len(files)))]
    return int(rows[rng.integers(len(rows))])
