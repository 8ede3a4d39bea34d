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

from recipes.common.feature_cache import GROUND, alone, clips, shards, shown
from recipes.common.media_bank import SILENT

Rows = NDArray[np.int64]
Drawing = Callable[[int, np.random.Generator], tuple[Tensor, Tensor]]
"""So many embeddings (n, d), and what they are of: (n, K + 1), rows sum to 1, the last column is none."""


class Lessons(Protocol):
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

    def drawing(self, kinds: Sequence[str]) -> Drawing:
        """Draws of these kinds, all alike often."""
        ...


@dataclass(frozen=True)
class Sights:
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
    def of(cls, closer: Path, quick: Path) -> Sights:
        """Closer looks at things of scenes, and looks at all masks of others as an association has them."""
        parts = shards(closer)
        embeddings = [part["embeddings"] for part in parts]
        kinds, files = (
            [word for part in parts for word in json.loads(str(part[name]))] for name in ("kinds", "files")
        )
        for number, part in enumerate(shards(quick)):
            embeddings.append(part["local"])
            kinds += [GROUND if kind is None else kind for kind in shown(part, "kinds")]
            files += [
                f"{number}/{scene}" if file is None else file
                for scene, file in zip(part["scene"].tolist(), shown(part, "files"), strict=True)
            ]
        return cls(torch.from_numpy(np.concatenate(embeddings)), tuple(kinds), tuple(files))

    def __len__(self) -> int:
        return len(self.kinds)

    def names(self) -> list[str]:
        """All kinds, sorted."""
        return sorted(set(self.kinds) - {SILENT, GROUND})

    def known(self, kinds: Sequence[str]) -> Tensor:
        """Looks at these kinds and at things of none."""
        taught = {*kinds, SILENT}
        return self.embeddings[[row for row, kind in enumerate(self.kinds) if kind in taught]]

    def drawing(self, kinds: Sequence[str]) -> Drawing:
        """Looks at any kind as often, and of each at any of its cut-outs as often."""
        rows, names = self._rows(), [*kinds, SILENT, GROUND]
        shares = [
            share if name in rows else 0.0 for name, share in zip((SILENT, GROUND), self.none, strict=True)
        ]
        chances = np.array([*[(1 - sum(shares)) / len(kinds)] * len(kinds), *shares])

        def drawn(count: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
            labels = draw.choice(len(names), count, p=chances)
            chosen = [one_of(rows[names[label]], draw) for label in labels]
            told = torch.from_numpy(np.minimum(labels, len(kinds)))
            return self.embeddings[chosen], functional.one_hot(told, len(kinds) + 1).float()

        return drawn

    def _rows(self) -> dict[str, list[Rows]]:
        """Of each kind the rows of each of its files."""
        found: dict[str, dict[str, list[int]]] = {}
        for row, (kind, file) in enumerate(zip(self.kinds, self.files, strict=True)):
            found.setdefault(kind, {}).setdefault(file, []).append(row)
        return {kind: [np.array(rows) for rows in files.values()] for kind, files in found.items()}


@dataclass(frozen=True)
class Sounds:
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
    def of(cls, *folders: Path) -> Sounds:
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

    def drawing(self, kinds: Sequence[str]) -> Drawing:
        """Windows of any kind as often; of two kinds at once each is half of what is heard."""
        heard = alone(self.kinds)
        both = [row for row, names in enumerate(self.kinds) if len(names) > 1 and set(names) <= set(kinds)]
        places = {name: place for place, name in enumerate(kinds)}

        def drawn(count: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
            rows = [int(draw.choice(heard[kinds[label]])) for label in draw.integers(len(kinds), size=count)]
            for place in np.flatnonzero(draw.random(count) < (self.mixed if both else 0.0)):
                rows[place] = int(draw.choice(both))
            targets = torch.zeros(count, len(kinds) + 1)
            for row, clip in enumerate(rows):
                names = self.kinds[clip]
                targets[row, [places[name] for name in names]] = 1 / len(names)
            return self.windows[rows, draw.integers(self.windows.shape[1], size=count)], targets

        return drawn


def one_of(files: Sequence[Rows], draw: np.random.Generator) -> int:
    """A row of any of the files: one with many rows does not outweigh one with few."""
    rows = files[int(draw.integers(len(files)))]
    return int(rows[draw.integers(len(rows))])
