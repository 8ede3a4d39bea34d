"""Training samples of the class heads: labelled embeddings, sampled with equal class frequencies."""

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
"""From a count and a generator: embeddings (n, d) and targets (n, K + 1) of sum 1; column K is "none"."""


class LabelledSamples(Protocol):
    """Labelled embeddings of one modality."""

    def __len__(self) -> int:
        """The number of samples."""
        ...

    def names(self) -> list[str]:
        """All classes, sorted."""
        ...

    def known(self, classes: Sequence[str]) -> Tensor:
        """The embeddings (n, d) that training on ``classes`` may use."""
        ...

    def make_sampler(self, classes: Sequence[str]) -> Sampler:
        """Build a sampler of ``classes`` with equal frequencies."""
        ...


@dataclass(frozen=True)
class ImageSamples:
    """Views of objects and of background.

    Attributes:
        embeddings: (n, d).
        classes: class of each view; SILENT for an object without a class, GROUND for no object.
        files: the cut-out of each view, or the scene.
        none: shares of SILENT and GROUND in the samples, if there are such views.
    """

    embeddings: Tensor
    classes: tuple[str, ...]
    files: tuple[str, ...]
    none: tuple[float, float] = (0.15, 0.1)

    @classmethod
    def of(cls, crops_folder: Path, scenes_folder: Path) -> ImageSamples:
        """Load high-resolution crops of objects, and local views of all masks of the association's scenes."""
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
        """The views (n, d) of ``classes`` and of silent objects."""
        trained = {*classes, SILENT}
        return self.embeddings[[row for row, class_name in enumerate(self.classes) if class_name in trained]]

    def make_sampler(self, classes: Sequence[str]) -> Sampler:
        """Build a sampler with equal frequencies of classes, and of the cut-outs of a class."""
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
        """Rows of the samples of each file, by class."""
        found: dict[str, dict[str, list[int]]] = {}
        for row, (class_name, file) in enumerate(zip(self.classes, self.files, strict=True)):
            found.setdefault(class_name, {}).setdefault(file, []).append(row)
        return {
            class_name: [np.array(rows) for rows in files.values()] for class_name, files in found.items()
        }


@dataclass(frozen=True)
class AudioSamples:
    """Clips of one class, and mixtures of two classes.

    Attributes:
        windows: (n, W, d) embeddings of the W windows of n clips.
        classes: the classes of each clip.
        mixed: share of mixtures in the samples, if there are any.
    """

    windows: Tensor
    classes: tuple[tuple[str, ...], ...]
    mixed: float = 0.3

    @classmethod
    def of(cls, *folders: Path) -> AudioSamples:
        """Load the clips of folders of shards."""
        return cls(*load_clips(*folders))

    def __len__(self) -> int:
        return len(self.classes)

    def names(self) -> list[str]:
        """All classes with clips of one class, sorted."""
        return sorted({names[0] for names in self.classes if len(names) == 1})

    def known(self, classes: Sequence[str]) -> Tensor:
        """The windows (n, d) of clips and mixtures of ``classes``."""
        clips = [row for row, names in enumerate(self.classes) if set(names) <= set(classes)]
        return self.windows[clips].flatten(0, 1)

    def make_sampler(self, classes: Sequence[str]) -> Sampler:
        """Build a sampler with equal class frequencies; each class of a mixture has half of the target."""
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
    """Sample a file uniformly, then one of its rows."""
    rows = files[int(rng.integers(len(files)))]
    return int(rows[rng.integers(len(rows))])
