"""Collate an index batch: read its samples from the store; mix and encode audio again if requested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.input_projection import InputFeatures
from seac.associate.losses import Frozen
from seac.associate.mixing import mix, random_groups
from seac.associate.zero_shot import ZeroShot
from seac.core.errors import InputError
from seac.core.types import AudioFeatures
from seac.decision.sounding_network import mask_geometry
from seac.encoders.audio.windows import windows_of
from seac.encoders.base import AudioEncoder
from seac.features.batch import FrameBatch, IndexBatch, TrainingStore, pad_rows, padding


@dataclass(frozen=True)
class MaskViews:
    """What a sounding head takes of masks, beside their similarity.

    Attributes:
        local: (B, N, d_m) float32, local views.
        context: (B, N, d_m) float32, global views.
        geometry: (B, N, 8) float32, see :func:`seac.decision.sounding_network.mask_geometry`.
    """

    local: Tensor
    context: Tensor
    geometry: Tensor

    @classmethod
    def of(cls, read: FrameBatch) -> MaskViews:
        """The views of a batch that was read with geometry."""
        assert read.geometry is not None
        found = read.geometry
        geometry = mask_geometry(found.boxes, found.areas, found.scores, 1, 1)
        return cls(read.local.float(), read.context.float(), geometry)

    def map(self, function: Callable[[Tensor], Tensor]) -> MaskViews:
        """Apply ``function`` to every tensor."""
        return MaskViews(function(self.local), function(self.context), function(self.geometry))


@dataclass(frozen=True)
class TextViews:
    """Text-space embeddings of unit length, for a similarity with a zero-shot share.

    Attributes:
        masks: (B, N, t) float32; the values at padding have no meaning.
        audio: (K, t) float32.
    """

    masks: Tensor
    audio: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> TextViews:
        """Apply ``function`` to every tensor."""
        return TextViews(function(self.masks), function(self.audio))


@dataclass(frozen=True)
class CollatedBatch:
    """Input of the module for one batch.

    Attributes:
        masks: (B, N, d_m) float32, mixed with lambda (Eq. 3); with text space (B, N, d_m + t).
        mask_padding: (B, N) bool.
        windows: (K, W, d_a) float32, of single waveforms or of mixtures; with text space (K, W, d_a + t).
        window_padding: (K, W) bool.
        groups: (B,) int64, index of each sample's group, from 0 to K - 1.
        frozen: features of the frozen encoders.
        views: of the masks, for a sounding head; None for an association.
        text: for a sounding head, if its similarity has a zero-shot share.
    """

    masks: Tensor
    mask_padding: Tensor
    windows: Tensor
    window_padding: Tensor
    groups: Tensor
    frozen: Frozen
    views: MaskViews | None = None
    text: TextViews | None = None

    def to(self, device: torch.device) -> CollatedBatch:
        """Copy the batch to a device."""
        if device.type == "cpu":
            return self
        names = ("masks", "mask_padding", "windows", "window_padding", "groups")
        frozen = self.frozen.map(lambda part: part.to(device))
        views = None if self.views is None else self.views.map(lambda part: part.to(device))
        text = None if self.text is None else self.text.map(lambda part: part.to(device))
        moved = {name: getattr(self, name).to(device) for name in names}
        return replace(self, frozen=frozen, views=views, text=text, **moved)


@dataclass(frozen=True)
class Collate:
    """Makes batches from index batches; without side effects, random only by the index batch's seed.

    Attributes:
        store: features to read.
        features: features that the module takes.
        n_masks: maximum masks of a frame, those with the highest scores.
        max_windows: maximum random windows of a clip; 0 for all.
        group: waveforms in a mixture.
        encoder: the audio encoder for mixtures; None without mixing.
        encoder_batch: windows in a batch of the audio encoder.
        views: whether batches have the views of the masks.
        zero_shot: maps masks and audio to text space; None if batches need no text-space embeddings beside
            the input of the module.
    """

    store: TrainingStore
    features: InputFeatures
    n_masks: int
    max_windows: int = 0
    group: int = 2
    encoder: AudioEncoder | None = None
    encoder_batch: int = 64
    views: bool = False
    zero_shot: ZeroShot | None = None

    def __call__(self, indices: IndexBatch) -> CollatedBatch:
        """Make the batch of an index batch.

        Raises:
            ValueError: the batch is mixed without an audio encoder, or class probabilities are missing.
        """
        text = self.features.needs_text
        read = self.store.read(
            *(indices.clips, indices.frames),
            masks=self.n_masks,
            waveforms=indices.mixed,
            probabilities=text or self.zero_shot is not None,
            geometry=self.views,
        )
        generator = torch.Generator().manual_seed(indices.seed)
        masks, mask_padding = self._input_masks(read), read.mask_padding()
        windows, window_padding = self._input_windows(read), read.window_padding()
        audio = mean_of(windows, window_padding)
        audio_text = functional.normalize(audio[:, read.windows.shape[2] :], dim=1) if text else None
        frozen = Frozen(
            mean_of(masks, mask_padding)[:, : read.local.shape[2]],
            audio[:, : read.windows.shape[2]],
            audio_text,
        )
        groups = torch.arange(len(read))
        encoded: list[AudioFeatures] | None = None
        if indices.mixed:
            if self.encoder is None or read.waveforms is None:
                raise ValueError("this batch is mixed: pass an audio encoder, and read waveforms")
            groups = random_groups(len(read), generator, self.group)
            encoded = encode_waveforms(mix(read.waveforms, groups), self.encoder, self.encoder_batch)
            windows, counts = pad_rows([self.features.windows(audio) for audio in encoded])
            window_padding = padding(counts, windows.shape[1])
        if self.max_windows:
            windows, window_padding = sample_windows(windows, window_padding, self.max_windows, generator)
        views = MaskViews.of(read) if self.views else None
        text_views = None if self.zero_shot is None else text_views_of(read, encoded, self.zero_shot)
        return CollatedBatch(masks, mask_padding, windows, window_padding, groups, frozen, views, text_views)

    def _input_masks(self, read: FrameBatch) -> Tensor:
        return self.features.masks(read.masks()).view(*read.local.shape[:2], -1)

    def _input_windows(self, read: FrameBatch) -> Tensor:
        return self.features.windows(read.audio()).view(*read.windows.shape[:2], -1)


def text_views_of(
    read: FrameBatch, mixtures: Sequence[AudioFeatures] | None, zero_shot: ZeroShot
) -> TextViews:
    """Text-space embeddings of a batch.

    Args:
        read: frames and clips, with class probabilities.
        mixtures: encoded mixtures that replace the clips; None for the clips themselves.
        zero_shot: maps both to text space.

    Raises:
        InputError: the store has no class probabilities.
    """
    if read.window_probabilities is None:
        raise InputError(
            "the store has no class probabilities: extract with --class-probabilities, or "
            "--set zero_shot_weight=0"
        )
    clips = mixtures or [
        AudioFeatures(windows[:count].float(), probabilities[:count].float())
        for windows, probabilities, count in zip(
            read.windows, read.window_probabilities, read.window_counts.tolist(), strict=True
        )
    ]
    audio = torch.stack([zero_shot.audio_to_text_space(clip) for clip in clips])
    masks = zero_shot.to_text_space(read.masks())
    return TextViews(masks.view(*read.local.shape[:2], -1).float(), audio.float())


def sample_windows(
    windows: Tensor, padding: Tensor, max_count: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Select 1 to ``max_count`` random windows (K, W, d), with their padding (K, W).

    The indices are the same in all rows; a row that is too short for all of them keeps its first window.
    """
    length = windows.shape[1]
    count = min(length, int(torch.randint(1, max_count + 1, (), generator=generator)))
    chosen = torch.randperm(length, generator=generator)[:count].expand(len(windows), -1).clone()
    lost = padding.gather(1, chosen).all(1) & ~padding.all(1)
    chosen[lost, 0] = 0
    rows = chosen[..., None].expand(-1, -1, windows.shape[2])
    return windows.gather(1, rows), padding.gather(1, chosen)


def encode_waveforms(
    waveforms: Sequence[Tensor], encoder: AudioEncoder, batch: int = 64
) -> list[AudioFeatures]:
    """Encode the windows of several waveforms in full batches."""
    windows_per_clip = [windows_of(waveform, encoder.window, encoder.hop) for waveform in waveforms]
    parts = [encoder(part) for part in torch.split(torch.cat(windows_per_clip), batch)]
    lengths = [len(windows) for windows in windows_per_clip]
    embeddings = torch.cat([part.embeddings.float().cpu() for part in parts])
    probabilities = [part.class_probabilities for part in parts]
    if any(part is None for part in probabilities):
        return [AudioFeatures(part, None) for part in torch.split(embeddings, lengths)]
    of_windows = torch.cat([part.float().cpu() for part in probabilities if part is not None])
    pairs = zip(torch.split(embeddings, lengths), torch.split(of_windows, lengths), strict=True)
    return [AudioFeatures(*pair) for pair in pairs]


def mean_of(rows: Tensor, absent: Tensor) -> Tensor:
    """Mean of the rows without padding: (B, d) from (B, N, d) and (B, N) bool."""
    there = (~absent).float()[..., None]
    return (rows * there).sum(dim=1) / there.sum(dim=1).clamp_min(1)
