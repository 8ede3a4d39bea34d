"""Masks of frames and waveforms, compared by a frozen association: the scenes of a sounding head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional

from seac.associate.model import AssociationModule
from seac.decision.sounding_network import SoundingInputs, SoundingOutputs
from seac.decision.trained_head import SimilarityScale, classless_inputs
from seac.encoders.base import AudioEncoder
from seac.features.batch import index_batches, pad_rows, padding
from seac.media.noise import noise_waveforms
from seac.training.collate import Collate, CollatedBatch, encode_waveforms, mean_of
from seac.training.fit_projection import FeatureSample, sample_features
from seac.training.run import seed_of

NOISES = 64
"""Waveforms without a source."""
SCALE_BATCHES = 8


@dataclass(frozen=True)
class Clips:
    """K waveforms as association and head take them.

    Attributes:
        embedding: (K, d_a) float32, mean audio embedding.
        shared: (K, d) float32; its product with the embedding of a mask is their similarity.
    """

    embedding: Tensor
    shared: Tensor


@dataclass(frozen=True)
class Comparison:
    """Compares masks with waveforms by a frozen association.

    Attributes:
        association: in evaluation mode.
        audio_dim: d_a.
        noise: windows (M, W, d_in) of waveforms without a source, as the association takes them.
        noise_padding: (M, W) bool.
        noise_text: (M, t) float32 in text space; None without a zero-shot share of the similarity.
        scale: of the cosine on the store.
        sample: features of the store, for projections.
    """

    association: AssociationModule
    audio_dim: int
    noise: Tensor
    noise_padding: Tensor
    noise_text: Tensor | None
    scale: SimilarityScale
    sample: FeatureSample

    @classmethod
    def of(
        cls, association: AssociationModule, collate: Collate, encoder: AudioEncoder, seed: int
    ) -> Comparison:
        """Encode the noise and measure the cosine; deterministic, so that a resumed run has the same.

        Args:
            association: the trained association, in evaluation mode.
            collate: makes batches of the training features.
            encoder: the audio encoder of the store.
            seed: of the run.
        """
        store = collate.store
        waveforms = noise_waveforms(NOISES, encoder.sample_rate, seed_of("noise", seed))
        encoded = encode_waveforms(waveforms, encoder)
        noise, counts = pad_rows([collate.features.windows(audio) for audio in encoded])
        sample = sample_features(store, collate.n_masks, seed_of("sounding sample", seed))
        space = collate.zero_shot
        text = None if space is None else torch.stack([space.audio_to_text_space(x) for x in encoded]).float()
        found = cls(
            *(association, store.audio_dim, noise, padding(counts, noise.shape[1]), text),
            *(SimilarityScale(), sample),
        )
        generator = torch.Generator().manual_seed(seed_of("sounding scale", seed))
        cosines = []
        for indices, _ in zip(index_batches(store.proposals, 64, generator), range(SCALE_BATCHES)):  # noqa: B905
            batch = collate(indices)
            cosine = found.cosine(found.masks(batch), found.clips(batch))
            assert batch.views is not None
            total = found.scale.total(cosine, batch.views.geometry[:, :, None])
            cosines.append(total[~batch.mask_padding].flatten())
        values = torch.cat(cosines)
        scale = SimilarityScale(float(values.mean()), float(values.std().clamp_min(1e-3)))
        return replace(found, scale=scale)

    @torch.no_grad()
    def masks(self, batch: CollatedBatch) -> Tensor:
        """Embeddings (B, N, d) of the masks of a batch; their products with ``shared`` are similarities."""
        trained = self.association.embed_masks(batch.masks, batch.mask_padding)
        return self._joined(trained, None if batch.text is None else batch.text.masks)

    def clips(self, batch: CollatedBatch) -> Clips:
        """The K waveforms of a batch."""
        text = None if batch.text is None else batch.text.audio
        return self._clips(batch.windows, batch.window_padding, text)

    def noise_clips(self, rows: Tensor, device: torch.device) -> Clips:
        """Waveforms ``rows`` (n,) without a source."""
        text = None if self.noise_text is None else self.noise_text[rows].to(device)
        return self._clips(self.noise[rows].to(device), self.noise_padding[rows].to(device), text)

    @torch.no_grad()
    def _clips(self, windows: Tensor, padding: Tensor, text: Tensor | None) -> Clips:
        shared = self._joined(self.association.embed_audio(windows, padding), text)
        return Clips(mean_of(windows[..., : self.audio_dim], padding), shared)

    def _joined(self, trained: Tensor, text: Tensor | None) -> Tensor:
        """Embeddings whose product is the similarity of :class:`seac.associate.trained.Trained`."""
        unit, config = functional.normalize(trained.float(), dim=-1), self.association.config
        if text is None:
            return unit
        share = config.zero_shot_weight
        parts = (1 - share) ** 0.5 * unit, (share * config.zero_shot_scale) ** 0.5 * text
        return torch.cat(parts, dim=-1)

    @staticmethod
    def cosine(masks: Tensor, clips: Clips) -> Tensor:
        """Similarity of masks (B, N, d) with K waveforms: (B, N, K)."""
        return masks @ clips.shared.T

    def inputs(self, batch: CollatedBatch, masks: Tensor, clips: Clips) -> SoundingInputs:
        """Inputs of the head for B frames, each with one of B waveforms."""
        assert batch.views is not None
        similarity = (masks * clips.shared[:, None]).sum(-1)
        return classless_inputs(
            local=batch.views.local,
            context=batch.views.context,
            geometry=batch.views.geometry,
            similarity=self.scale.apply(similarity, batch.views.geometry),
            padding=batch.mask_padding,
            audio=clips.embedding,
        )


def stacked(parts: Sequence[SoundingInputs]) -> SoundingInputs:
    """The scenes of several inputs with the same number of masks, one after the other."""
    names = [item.name for item in fields(SoundingInputs)]
    return SoundingInputs.of({name: torch.cat([getattr(part, name) for part in parts]) for name in names})


def tensors_of(values: SoundingInputs | SoundingOutputs) -> tuple[Tensor, ...]:
    """The tensors of a value, in the order of its fields."""
    return tuple(getattr(values, item.name) for item in fields(values))


def as_float(outputs: SoundingOutputs) -> SoundingOutputs:
    """The outputs as float32."""
    return SoundingOutputs(*(part.float() for part in tensors_of(outputs)))
