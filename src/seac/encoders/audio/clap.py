"""CLAP (LAION, HTSAT): sound and words in one space; its words for a sound are AudioSet's names.

The names are what other parts understand: they are the bridge from sound to a vision-language space.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from seac.core.context import PartContext
from seac.core.types import AudioFeatures
from seac.encoders.cached_text import CachedTextEncoder
from seac.encoders.labels.descriptions import audioset_names
from seac.weights.load import fingerprint, load_network, load_tokenizer

RATE, SECONDS = 48_000, 10
TEMPLATE = "This is a sound of {}."
FFT, HOP = 1024, 480
SILENT_DECIBELS = 1e-10


class ClapFrontEnd:
    """Windows of sound to CLAP's log-mel pictures, many at once.

    Power spectrum of 1,024 samples every 10 ms, 64 Slaney bands, in decibels, as the published feature
    extractor of the unfused checkpoints makes them.

    Args:
        mel: (513, 64) float64, the extractor's own bands.
    """

    def __init__(self, mel: Tensor) -> None:
        self.mel = mel
        self.window = torch.hann_window(FFT, periodic=True, dtype=torch.float64)

    def __call__(self, windows: Tensor) -> Tensor:
        """(n, S) float at 48 kHz to (n, 1, 1 + S // 480, 64) float32."""
        spectrum = torch.stft(
            windows.double(),
            FFT,
            HOP,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.abs().square().transpose(1, 2) @ self.mel
        return (10 * power.clamp_min(SILENT_DECIBELS).log10()).float()[:, None]


class ClapText:
    """CLAP's text half as a :class:`~seac.encoders.base.TextEncoder`.

    Args:
        network: transformers' ClapModel.
        tokenizer: its tokenizer.
        version: which weights it has.
        batch: sentences per pass.
    """

    def __init__(self, network: Any, tokenizer: Any, version: str, batch: int = 64) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.space = self.version = version
        self.dim = int(network.config.projection_dim)
        self.batch = batch

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """Encode ``sentences`` to (n, dim) float32 of unit length, on the CPU; none give (0, dim)."""
        parts = [torch.zeros(0, self.dim)]
        for at in range(0, len(sentences), self.batch):
            tokens = self.tokenizer(
                list(sentences[at : at + self.batch]), padding=True, truncation=True, return_tensors="pt"
            ).to(self.network.device)
            encoded = self.network.get_text_features(**tokens).pooler_output
            parts.append(functional.normalize(encoded.float(), dim=1).cpu())
        return torch.cat(parts)


class Clap:
    """CLAP as an :class:`~seac.encoders.base.AudioEncoder`.

    ``class_probabilities`` are its own softmax over AudioSet's names, by its own temperature.

    Args:
        network: transformers' ClapModel.
        text: its text half; asked for the names once, then kept on disk.
        mel: (513, 64) float64 bands of the feature extractor.
        device: where it runs.
        name: what the version starts with.
    """

    sample_rate, window, hop = RATE, RATE * SECONDS, RATE * SECONDS // 2

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        mel: Tensor,
        device: torch.device | str = "cpu",
        name: str = "clap",
    ) -> None:
        self.version = f"{name} {fingerprint(network)}"
        self.device = torch.device(device)
        self.network = network.eval().requires_grad_(False).to(self.device)
        self.text = CachedTextEncoder(ClapText(self.network, tokenizer, self.version))
        self.front = ClapFrontEnd(mel)
        self.dim = int(network.config.projection_dim)
        self.labels = audioset_names()

    @classmethod
    def load(cls, folder: Path, device: torch.device | str = "cpu") -> Clap:
        """CLAP from a folder of transformers'.

        Raises:
            InputError: something else.
        """
        from transformers import ClapFeatureExtractor, ClapModel

        network = load_network(ClapModel, folder)
        extractor = ClapFeatureExtractor.from_pretrained(folder)
        mel = torch.from_numpy(extractor.mel_filters_slaney).double()
        return cls(network, load_tokenizer(folder), mel, device, folder.name)

    @classmethod
    def from_context(cls, context: PartContext) -> Clap:
        """The row of a table: the published weights.

        Raises:
            InputError: weights that are missing, or something else in their place.
        """
        return cls.load(context.weights(context.name), context.device)

    @cached_property
    def names(self) -> Tensor:
        """AudioSet's names in CLAP's space: (C, dim) of unit length."""
        return self.text([TEMPLATE.format(name.lower()) for name in self.labels])

    @torch.inference_mode()
    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, 480000) float32 in [-1, 1] at 48 kHz, in one batch."""
        if len(windows) == 0:
            return AudioFeatures(torch.zeros(0, self.dim), torch.zeros(0, len(self.labels)))
        spectrograms = self.front(windows.cpu()).to(self.device)
        not_longer = torch.zeros(len(windows), 1, dtype=torch.bool, device=self.device)
        encoded = self.network.get_audio_features(
            input_features=spectrograms, is_longer=not_longer
        ).pooler_output
        embeddings = functional.normalize(encoded.float(), dim=1).cpu()
        scale = float(self.network.logit_scale_a.exp())
        return AudioFeatures(embeddings, (scale * embeddings @ self.names.T).softmax(1))
