"""What kinds are taught from: embeddings with names, drawn so that all kinds come alike."""

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

from recipes.common.feature_cache import GROUND, clips, read_mask_names, shards, single_class_clips
from recipes.common.media_bank import SILENT

Rows = NDArray[np.int64]
Sampler = Callable[[int, np.random.Generator], tuple[Tensor, Tensor]]
"""So many embeddings (n, d), and what they are of: (n, K + 1), rows sum to 1, the last column is none."""


class LabelledSamples(Protocol):
    """Embeddings of one sense."""

    def __len__(self) -> int:
        """How many looks or clips."""
        ...

    def names(self) -> list[str]:
        """All kinds, sorted."""
        ...

    def known(self, kinds: Sequence[str]) -> Tensor:
        """All embeddings (n, d) that these kinds may be taught from."""
        ...

    def make_sampler(self, kinds: Sequence[str]) -> Sampler:
        """Draws of these kinds, all alike often."""
        ...


@dataclass(frozen=True)
class ImageSamples:
    """Looks at things, and at what is no thing.

    Attributes:
        embeddings: (n, d).
        kinds: what each look shows: a kind, SILENT for a thing of none, GROUND for no thing.
        files: the cut-out that it was made of, or the scene.
        none: shares of what is drawn that are SILENT and GROUND, where there is such.
    """

    embeddings: Tensor
    kinds: tuple[str, ...]
    files: tuple[str, ...]
    none: tuple[float, float] = (0.15, 0.1)

    @classmethod
    def of(cls, crops_folder: Path, scenes_folder: Path) -> ImageSamples:
        """Closer looks at things of scenes, and looks at all masks of others as an association has them."""
        parts = shards(crops_folder)
        embeddings = [part["embeddings"] for part in parts]
        kinds, files = (
            [entry for part in parts for entry in json.loads(str(part[name]))] for name in ("kinds", "files")
        )
        for number, part in enumerate(shards(scenes_folder)):
            embeddings.append(part["local"])
            kinds += [
                GROUND if class_name is None else class_name for class_name in read_mask_names(part, "kinds")
            ]
            files += [
                f"{number}/{scene}" if file is None else file
                for scene, file in zip(part["scene"].tolist(), read_mask_names(part, "files"), strict=True)
            ]
        return cls(torch.from_numpy(np.concatenate(embeddings)), tuple(kinds), tuple(files))

    def __len__(self) -> int:
        return len(self.kinds)

    def names(self) -> list[str]:
        """All kinds, sorted."""
        return sorted(set(self.kinds) - {SILENT, GROUND})

    def known(self, kinds: Sequence[str]) -> Tensor:
        """Looks at these kinds and at things of none."""
        trained = {*kinds, SILENT}
        return self.embeddings[[row for row, class_name in enumerate(self.kinds) if class_name in trained]]

    def make_sampler(self, kinds: Sequence[str]) -> Sampler:
        """Looks at any kind as often, and of each at any of its cut-outs as often."""
        rows, names = self._rows(), [*kinds, SILENT, GROUND]
        shares = [
            share if name in rows else 0.0 for name, share in zip((SILENT, GROUND), self.none, strict=True)
        ]
        chances = np.array([*[(1 - sum(shares)) / len(kinds)] * len(kinds), *shares])

        def sample(count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
            labels = rng.choice(len(names), count, p=chances)
            chosen = [choose_row(rows[names[label]], rng) for label in labels]
            class_indices = torch.from_numpy(np.minimum(labels, len(kinds)))
            return self.embeddings[chosen], functional.one_hot(class_indices, len(kinds) + 1).float()

        return sample

    def _rows(self) -> dict[str, list[Rows]]:
        """Of each kind the rows of each of its files."""
        found: dict[str, dict[str, list[int]]] = {}
        for row, (class_name, file) in enumerate(zip(self.kinds, self.files, strict=True)):
            found.setdefault(class_name, {}).setdefault(file, []).append(row)
        return {
            class_name: [np.array(rows) for rows in files.values()] for class_name, files in found.items()
        }


@dataclass(frozen=True)
class AudioSamples:
    """Clips of one kind, and of two at once.

    Attributes:
        windows: (n, W, d) embeddings of n clips, window by window.
        kinds: that each clip is the sum of.
        mixed: share of what is drawn that is of two kinds, where there is such.
    """

    windows: Tensor
    kinds: tuple[tuple[str, ...], ...]
    mixed: float = 0.3

    @classmethod
    def of(cls, *folders: Path) -> AudioSamples:
        """The clips of folders of shards."""
        return cls(*clips(*folders))

    def __len__(self) -> int:
        return len(self.kinds)

    def names(self) -> list[str]:
        """All kinds that are heard alone, sorted."""
        return sorted({names[0] for names in self.kinds if len(names) == 1})

    def known(self, kinds: Sequence[str]) -> Tensor:
        """Windows of these kinds alone and together."""
        clips = [row for row, names in enumerate(self.kinds) if set(names) <= set(kinds)]
        return self.windows[clips].flatten(0, 1)

    def make_sampler(self, kinds: Sequence[str]) -> Sampler:
        """Windows of any kind as often; of two kinds at once each is half of what is heard."""
        clips_by_class = single_class_clips(self.kinds)
        both = [row for row, names in enumerate(self.kinds) if len(names) > 1 and set(names) <= set(kinds)]
        column_of = {name: row_index for row_index, name in enumerate(kinds)}

        def sample(count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
            rows = [
                int(rng.choice(clips_by_class[kinds[label]]))
                for label in rng.integers(len(kinds), size=count)
            ]
            for row_index in np.flatnonzero(rng.random(count) < (self.mixed if both else 0.0)):
                rows[row_index] = int(rng.choice(both))
            targets = torch.zeros(count, len(kinds) + 1)
            for row, clip in enumerate(rows):
                names = self.kinds[clip]
                targets[row, [column_of[name] for name in names]] = 1 / len(names)
            return self.windows[rows, rng.integers(self.windows.shape[1], size=count)], targets

        return sample


def choose_row(files: Sequence[Rows], rng: np.random.Generator) -> int:
    """A row of any of the files: one with many rows does not outweigh one with few."""
    rows = files[int(rng.integers(len(files)))]
    return int(rows[rng.integers(len(rows))])
