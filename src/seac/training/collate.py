"""From a draw to tensors: read from the store, and where the draw says so, mixed and heard again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seac.associate.losses import Frozen
from seac.associate.mixing import mix, random_groups
from seac.encoders.audio.windows import windows_of
from seac.encoders.base import AudioEncoder
from seac.features.batch import IndexBatch, TrainingStore, pad_rows, padding


@dataclass(frozen=True)
class CollatedBatch:
    """A batch as the module takes it.

    Attributes:
        masks: (B, N, d_m) float32, mixed with lambda (Eq. 3).
        mask_padding: (B, N) bool.
        windows: (K, W, d_a) float32, of sounds or of mixtures.
        window_padding: (K, W) bool.
        groups: (B,) int64, which of the K each sample is in.
        frozen: what the frozen networks say of the samples.
    """

    masks: Tensor
    mask_padding: Tensor
    windows: Tensor
    window_padding: Tensor
    groups: Tensor
    frozen: Frozen

    def to(self, device: torch.device) -> CollatedBatch:
        """The same on another device."""
        if device.type == "cpu":
            return self
        names = ("masks", "mask_padding", "windows", "window_padding", "groups")
        frozen = Frozen(self.frozen.frames.to(device), self.frozen.audio.to(device))
        return replace(self, frozen=frozen, **{name: getattr(self, name).to(device) for name in names})


@dataclass(frozen=True)
class Collate:
    """How draws become batches; calling it is free of side effects, and random only by the draw's seed.

    Attributes:
        store: what is read.
        lam: weight of the local view.
        n_masks: masks of a frame, the best ones.
        group: sounds in a mixture.
        encoder: the audio network, which hears the mixtures; None if nothing is ever mixed.
        encoder_batch: windows in one of its batches.
    """

    store: TrainingStore
    lam: float
    n_masks: int
    group: int = 2
    encoder: AudioEncoder | None = None
    encoder_batch: int = 64

    def __call__(self, indices: IndexBatch) -> CollatedBatch:
        """The batch of a draw.

        Raises:
            ValueError: a mixed draw and no audio network.
        """
        read = self.store.read(indices.clips, indices.frames, masks=self.n_masks, waveforms=indices.mixed)
        masks, mask_padding = read.mixed(self.lam), read.mask_padding()
        windows, window_padding = read.windows.float(), read.window_padding()
        frozen = Frozen(mean_of(masks, mask_padding), mean_of(windows, window_padding))
        groups = torch.arange(len(read))
        if indices.mixed:
            if self.encoder is None or read.waveforms is None:
                raise ValueError("this draw is mixed: pass an audio encoder, and read waveforms")
            groups = random_groups(len(read), torch.Generator().manual_seed(indices.seed), self.group)
            embeddings = encode_waveforms(mix(read.waveforms, groups), self.encoder, self.encoder_batch)
            windows, counts = pad_rows(embeddings)
            window_padding = padding(counts, windows.shape[1])
        return CollatedBatch(masks, mask_padding, windows, window_padding, groups, frozen)


def encode_waveforms(waveforms: Sequence[Tensor], encoder: AudioEncoder, batch: int = 64) -> list[Tensor]:
    """The audio network's embeddings of the windows of many sounds, (w_i, d_a) each, in full batches."""
    windows_per_clip = [windows_of(waveform, encoder.window, encoder.hop) for waveform in waveforms]
    parts = [
        encoder(part).embeddings.float().cpu() for part in torch.split(torch.cat(windows_per_clip), batch)
    ]
    return list(torch.split(torch.cat(parts), [len(windows) for windows in windows_per_clip]))


def mean_of(rows: Tensor, absent: Tensor) -> Tensor:
    """Mean of the rows that are there: (B, d) from (B, N, d) and (B, N) bool."""
    there = (~absent).float()[..., None]
    return (rows * there).sum(dim=1) / there.sum(dim=1).clamp_min(1)
