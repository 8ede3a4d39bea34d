"""Metrics after an epoch: retrieval on held-out clips, and metrics of a benchmark's dev split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from seac.associate.input_projection import InputFeatures
from seac.associate.losses import similarity_matrix
from seac.associate.model import AssociationModule
from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError
from seac.evaluation.cached_model import CachedModel
from seac.features.batch import IndexBatch, TrainingStore
from seac.training.collate import Collate
from seac.training.config import TrainingConfig
from seac.training.frozen import Networks

SPLIT = "val"
GALLERY = 64
"""Number of clips of a retrieval gallery; the accuracy of chance is 1 / GALLERY."""


@dataclass(frozen=True)
class Retrieval:
    """Top-1 retrieval accuracy of frames by audio and of audio by frames, among :data:`GALLERY` clips.

    Attributes:
        store: held-out clips, not used in training.
        n_masks: maximum masks of a frame.
        zero_shot: text space of the encoders; None if the module's input has none.
    """

    store: TrainingStore
    n_masks: int
    zero_shot: ZeroShot | None = None

    def __call__(self, module: AssociationModule, n_masks: int | None = None) -> dict[str, float]:
        """Mean over galleries of equal size; remaining clips are not used."""
        proposals = self.store.proposals
        clips = (proposals > 0).any(dim=1).nonzero()[:, 0]
        size = min(GALLERY, len(clips))
        right = [
            found_in(self._similarity(module, clips[first : first + size], n_masks or self.n_masks))
            for first in range(0, len(clips) - size + 1, size)
        ]
        audio, masks = (sum(part) / len(right) for part in zip(*right, strict=True))
        return {
            "held-out retrieval": (audio + masks) / 2,
            "held-out frame-by-sound": audio,
            "held-out sound-by-frame": masks,
        }

    @torch.no_grad()
    def _similarity(self, module: AssociationModule, clips: Tensor, n_masks: int) -> Tensor:
        """Eq. 7 between the middle usable frame of each clip and the audio of all clips: (B, B)."""
        frames = []
        for row in self.store.proposals[clips]:
            usable = (row > 0).nonzero()[:, 0]
            frames.append(int(usable[len(usable) // 2]))
        features = InputFeatures(module.input_projection, self.zero_shot, module.config.local_weight)
        collate = Collate(self.store, features, n_masks)
        device = module.log_temperature.device
        batch = collate(IndexBatch(tuple(clips.tolist()), tuple(frames), mixed=False, seed=0)).to(device)
        padding = batch.mask_padding
        masks = module.embed_masks(batch.masks, padding)
        audio = module.embed_audio(batch.windows, batch.window_padding)
        return similarity_matrix(masks, padding, audio).cpu()


def found_in(similarity: Tensor) -> tuple[float, float]:
    """Top-1 accuracy of frames by audio and of audio by frames, from similarities (B, B)."""
    own = torch.arange(len(similarity))
    by_sound, by_frame = similarity.argmax(dim=0) == own, similarity.argmax(dim=1) == own
    return float(by_sound.float().mean()), float(by_frame.float().mean())


@dataclass(frozen=True)
class Wanted:
    """A benchmark of the command line: ``BENCHMARK:DIR`` or ``BENCHMARK:DIR:SPLIT``."""

    benchmark: str
    folder: Path
    split: str = SPLIT

    @classmethod
    def parse(cls, text: str, *, choosing: bool = True) -> Wanted:
        """Parse an argument of the command line.

        Args:
            text: argument of that form.
            choosing: whether the metrics are used for model selection; test splits are then refused.

        Raises:
            InputError: another form, or a test split for model selection.
        """
        name, sign, rest = text.partition(":")
        head, _, last = rest.rpartition(":")
        folder, split = (
            (head, last) if head and last in ("train", "val", "dev", "test", "all") else (rest, SPLIT)
        )
        if not sign or not folder:
            raise InputError(f"{text}: give BENCHMARK:DIR, such as s4:Single-source")
        if choosing and split in ("test", "all"):
            raise InputError(
                f"--val {text}: a test split is not for model selection; give a val or train split"
            )
        return cls(name, Path(folder), split)

    @property
    def title(self) -> str:
        """Prefix of the names of metrics: "s4", or "s4 train"."""
        return self.benchmark if self.split == SPLIT else f"{self.benchmark} {self.split}"


class Benchmarked:
    """Metrics of ``seac evaluate`` on a benchmark's split; frames are encoded once for all epochs.

    Args:
        wanted: the benchmark.
        store: training features; the benchmark is encoded with the same settings.
        config: configuration of the training.
        networks: the frozen encoders.
        objectness: weight of objectness added to the cosine; None for the preset's, 0 for the paper's.

    Raises:
        InputError: unknown benchmark or split, or no clips or ground truth.
    """

    def __init__(
        self,
        wanted: Wanted,
        store: TrainingStore,
        config: TrainingConfig,
        networks: Networks,
        objectness: float | None = None,
    ) -> None:
        from seac.datasets.table import check_scored, open_benchmark

        self.title, self.n_masks = wanted.title, config.n_masks
        check_scored(wanted.benchmark)
        self._reader = open_benchmark(wanted.benchmark, wanted.folder, wanted.split)
        if not self._reader.clips:
            raise InputError(f"{wanted.folder} has no clips of split {wanted.split!r}: give another")
        names = list(self._reader.classes[1:]) or None
        self._model = CachedModel(networks.model(store, config, names))
        if objectness is not None:
            self._model.settings = replace(self._model.settings, objectness=objectness)

    def __call__(self, module: AssociationModule, n_masks: int | None = None) -> dict[str, float]:
        """Metrics of the first protocol, under names "BENCHMARK METRIC".

        Args:
            module: module to evaluate.
            n_masks: maximum masks of a frame; None for that of the training.
        """
        from seac.evaluation.score_model import score_model

        model = self._model.with_association(module, n_masks or self.n_masks)
        row = score_model(self._reader, self._reader.clips, model)
        figures = next(iter(row.protocols.values()))
        return {f"{self.title} {name}": float(value) for name, value in figures.items()}


def combine_measures(
    measures: Sequence[Callable[[AssociationModule], Mapping[str, float]]],
) -> Callable[[AssociationModule], dict[str, float]] | None:
    """Combine measures; metrics of the first come first; None if there are none."""
    if not measures:
        return None

    def measure(module: AssociationModule) -> dict[str, float]:
        figures: dict[str, float] = {}
        for each in measures:
            figures |= each(module)
        return figures

    return measure
