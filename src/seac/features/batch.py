"""What training reads: the protocol of a feature store, and index batches of it.

A store keeps everything frozen. Training samples a frame per clip, mixes local and global embeddings with its
own lambda, and reads waveforms only where sounds are mixed, class probabilities only where text space is
used, the geometry of masks only for a sounding head. ``seac.features.open_store(path)`` gives a
:class:`TrainingStore`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from seac.core.types import AudioFeatures, MaskEmbeddings


@dataclass(frozen=True)
class Geometry:
    """Geometry of the masks of B frames; zero padding comes last.

    Attributes:
        boxes: (B, N, 4) float32 xyxy as shares of the width and the height of the frame.
        areas: (B, N) float32 share of the frame.
        scores: (B, N) float32 objectness, best first.
    """

    boxes: Tensor
    areas: Tensor
    scores: Tensor

    @classmethod
    def padded(cls, frames: Sequence[Tensor]) -> Geometry:
        """Geometry of frames with rows (n, 6) of box, area and score."""
        rows, _ = pad_rows(frames)
        return cls(rows[..., :4], rows[..., 4], rows[..., 5])


@dataclass(frozen=True)
class FrameBatch:
    """B frames, each with the audio of its clip, in the precision of the store; zero padding comes last.

    Attributes:
        local: (B, N, d_m) float16 or float32, local views of the masks, best proposal first.
        context: (B, N, d_m) float16 or float32, global views.
        mask_counts: (B,) int64, masks of each frame; from 1 to N.
        windows: (B, W, d_a) float16 or float32, audio embeddings of the clip's windows.
        window_counts: (B,) int64, windows of each clip; from 1 to W.
        waveforms: (S,) int16 mono for each clip, at the store's ``sample_rate``; None if not asked for.
        local_probabilities: (B, N, C) float16 or float32, class probabilities of local views; None if not
            asked for, or if the encoder has no classes.
        context_probabilities: likewise of global views.
        window_probabilities: (B, W, D) likewise of windows.
        geometry: of the masks; None if not asked for.
    """

    local: Tensor
    context: Tensor
    mask_counts: Tensor
    windows: Tensor
    window_counts: Tensor
    waveforms: tuple[Tensor, ...] | None = None
    local_probabilities: Tensor | None = None
    context_probabilities: Tensor | None = None
    window_probabilities: Tensor | None = None
    geometry: Geometry | None = None

    def __len__(self) -> int:
        return len(self.mask_counts)

    def mixed(self, lam: float) -> Tensor:
        """Mask embeddings ``f`` of Eq. 3: (B, N, d_m) float32."""
        return torch.lerp(self.context.float(), self.local.float(), lam)

    def mask_padding(self) -> Tensor:
        """(B, N) bool, True where there is no mask."""
        return padding(self.mask_counts, self.local.shape[1])

    def window_padding(self) -> Tensor:
        """(B, W) bool, True where there is no window."""
        return padding(self.window_counts, self.windows.shape[1])

    def masks(self) -> MaskEmbeddings:
        """All masks of all frames, padding included: B * N rows."""
        flat = (
            None if part is None else part.flatten(0, 1).float()
            for part in (self.local_probabilities, self.context_probabilities)
        )
        return MaskEmbeddings(self.local.flatten(0, 1).float(), self.context.flatten(0, 1).float(), *flat)

    def audio(self) -> AudioFeatures:
        """All windows of all clips, padding included: B * W rows."""
        probabilities = self.window_probabilities
        return AudioFeatures(
            self.windows.flatten(0, 1).float(),
            None if probabilities is None else probabilities.flatten(0, 1).float(),
        )


class TrainingStore(Protocol):
    """The part of a feature store that training uses."""

    @property
    def mask_dim(self) -> int:
        """Dimension d_m of mask embeddings."""
        ...

    @property
    def audio_dim(self) -> int:
        """Dimension d_a of audio embeddings."""
        ...

    @property
    def sample_rate(self) -> int:
        """Sample rate of the waveforms in Hz."""
        ...

    @property
    def proposals(self) -> Tensor:
        """(clips, T) integer, number of masks of each frame; 0 for frames without masks and for padding."""
        ...

    @property
    def provenance(self) -> Mapping[str, str]:
        """Versions of the models ("segmenter", "vision", "audio") and settings that made the features.

        A trained association stores it in its metadata.
        """
        ...

    @property
    def preset(self) -> str:
        """Name of the preset that made the features; its audio encoder encodes mixed waveforms."""
        ...

    def __len__(self) -> int:
        """Number of clips."""
        ...

    def read(
        self,
        clips: Sequence[int],
        frames: Sequence[int],
        *,
        masks: int,
        waveforms: bool,
        probabilities: bool = False,
        geometry: bool = False,
    ) -> FrameBatch:
        """One frame of each of B clips; called from one thread at a time, not always the same.

        Args:
            clips: (B,) rows of the store.
            frames: (B,) frame of each clip; ``proposals[clip, frame]`` is at least 1.
            masks: at most so many masks of a frame, the best ones.
            waveforms: whether to read waveforms.
            probabilities: whether to read class probabilities.
            geometry: whether to read the geometry of the masks.
        """
        ...


def padding(counts: Tensor, length: int) -> Tensor:
    """(B, length) bool padding mask, True from the count of each row on."""
    return torch.arange(length, device=counts.device) >= counts[:, None]


@dataclass(frozen=True)
class IndexBatch:
    """Indices of the frames of a batch.

    Attributes:
        clips: rows of the store.
        frames: one frame of each clip.
        mixed: whether waveforms are mixed.
        seed: seed of all random choices in the batch.
    """

    clips: tuple[int, ...]
    frames: tuple[int, ...]
    mixed: bool
    seed: int


def pad_rows(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Tensors (n_i, d) zero-padded to one tensor (B, max n, d), and their lengths (B,) int64."""
    counts = torch.tensor([len(row) for row in rows], dtype=torch.int64)
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True), counts


@dataclass(frozen=True)
class MemoryStore:
    """A :class:`TrainingStore` in memory.

    Attributes:
        local: for each clip, for each frame, (n, d_m).
        context: likewise.
        windows: for each clip (w, d_a).
        waveforms: for each clip (S,) int16.
        local_probabilities: as ``local``, (n, C); None without classes.
        context_probabilities: likewise.
        window_probabilities: for each clip (w, D); None without classes.
        geometry: as ``local``, (n, 6) rows of :meth:`Geometry.padded`; None if it has none.
        provenance: see :class:`TrainingStore`.
        preset: see :class:`TrainingStore`.
        sample_rate: Hz.
    """

    local: Sequence[Sequence[Tensor]]
    context: Sequence[Sequence[Tensor]]
    windows: Sequence[Tensor]
    waveforms: Sequence[Tensor]
    provenance: Mapping[str, str]
    preset: str = "tiny"
    sample_rate: int = 16_000
    local_probabilities: Sequence[Sequence[Tensor]] | None = None
    context_probabilities: Sequence[Sequence[Tensor]] | None = None
    window_probabilities: Sequence[Tensor] | None = None
    geometry: Sequence[Sequence[Tensor]] | None = None

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def mask_dim(self) -> int:
        """d_m."""
        return self.local[0][0].shape[1]

    @property
    def audio_dim(self) -> int:
        """d_a."""
        return self.windows[0].shape[1]

    @property
    def proposals(self) -> Tensor:
        """(clips, T) int64, number of masks of each frame."""
        return pad_rows([torch.tensor([[len(frame)] for frame in clip]) for clip in self.local])[0][..., 0]

    def read(
        self,
        clips: Sequence[int],
        frames: Sequence[int],
        *,
        masks: int,
        waveforms: bool,
        probabilities: bool = False,
        geometry: bool = False,
    ) -> FrameBatch:
        """See :class:`TrainingStore`.

        Raises:
            ValueError: the geometry of masks is asked for and there is none.
        """
        pairs = list(zip(clips, frames, strict=True))
        local, mask_counts = pad_rows([self.local[clip][frame][:masks] for clip, frame in pairs])
        context, _ = pad_rows([self.context[clip][frame][:masks] for clip, frame in pairs])
        windows, window_counts = pad_rows([self.windows[clip] for clip in clips])
        audio = tuple(self.waveforms[clip] for clip in clips) if waveforms else None
        batch = FrameBatch(local, context, mask_counts, windows, window_counts, audio)
        if geometry:
            if self.geometry is None:
                raise ValueError("this store has no geometry of masks: pass geometry")
            rows = [self.geometry[clip][frame][:masks] for clip, frame in pairs]
            batch = replace(batch, geometry=Geometry.padded(rows))
        if not probabilities:
            return batch
        local_probabilities, context_probabilities = (
            None if part is None else pad_rows([part[clip][frame][:masks] for clip, frame in pairs])[0]
            for part in (self.local_probabilities, self.context_probabilities)
        )
        of_windows = self.window_probabilities
        return replace(
            batch,
            local_probabilities=local_probabilities,
            context_probabilities=context_probabilities,
            window_probabilities=None
            if of_windows is None
            else pad_rows([of_windows[clip] for clip in clips])[0],
        )


@dataclass(frozen=True)
class StorePart:
    """A :class:`TrainingStore` with a subset of the clips of another store.

    Attributes:
        store: the other store.
        rows: rows of the clips in ``store``.
    """

    store: TrainingStore
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def mask_dim(self) -> int:
        """d_m."""
        return self.store.mask_dim

    @property
    def audio_dim(self) -> int:
        """d_a."""
        return self.store.audio_dim

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.store.sample_rate

    @property
    def proposals(self) -> Tensor:
        """(clips, T), number of masks of each frame."""
        return self.store.proposals[list(self.rows)]

    @property
    def provenance(self) -> Mapping[str, str]:
        """See :class:`TrainingStore`."""
        return self.store.provenance

    @property
    def preset(self) -> str:
        """See :class:`TrainingStore`."""
        return self.store.preset

    def read(
        self,
        clips: Sequence[int],
        frames: Sequence[int],
        *,
        masks: int,
        waveforms: bool,
        probabilities: bool = False,
        geometry: bool = False,
    ) -> FrameBatch:
        """See :class:`TrainingStore`."""
        rows = [self.rows[clip] for clip in clips]
        return self.store.read(
            rows, frames, masks=masks, waveforms=waveforms, probabilities=probabilities, geometry=geometry
        )


def index_batches(
    proposals: Tensor,
    batch: int,
    generator: torch.Generator,
    *,
    mixing: float = 0.0,
    every_frame: bool = False,
) -> Iterator[IndexBatch]:
    """Yield the batches of one epoch in random order; an incomplete last batch is dropped.

    A store with fewer clips than a batch yields one batch of all clips.

    Args:
        proposals: (clips, T) number of masks of each frame; frames without masks are skipped.
        batch: samples in a batch.
        generator: random generator for the order, the frames and the choice of mixed batches.
        mixing: probability that the waveforms of a batch are mixed.
        every_frame: use every frame of a clip as a sample; otherwise one random frame of each clip.
    """
    if every_frame:
        pairs = (proposals > 0).nonzero()
    else:
        has_masks = (proposals > 0).float()
        clips = has_masks.any(dim=1).nonzero()[:, 0]
        if len(clips) == 0:
            return
        frames = torch.multinomial(has_masks[clips], 1, generator=generator)[:, 0]
        pairs = torch.stack([clips, frames], 1)
    pairs = pairs[torch.randperm(len(pairs), generator=generator)]
    size = max(1, min(batch, len(pairs)))
    for first in range(0, len(pairs) - size + 1, size):
        chosen = pairs[first : first + size]
        mixed = bool(torch.rand((), generator=generator) < mixing)
        seed = int(torch.randint(2**62, (), generator=generator))
        yield IndexBatch(tuple(chosen[:, 0].tolist()), tuple(chosen[:, 1].tolist()), mixed, seed)
