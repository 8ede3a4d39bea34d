"""CLAP (LAION, HTSAT): audio and text embeddings in one space, and probabilities of the AudioSet classes.

Other parts use the class probabilities: ConSE maps them to the text space of a vision-language model.
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
    """Computes CLAP's log-mel spectrograms of a batch of windows.

    Power spectra of 1,024 samples every 10 ms, 64 Slaney bands, in decibels, as in the published feature
    extractor of the unfused checkpoints.

    Args:
        mel: (513, 64) float64 filter bank of the extractor.
    """

    def __init__(self, mel: Tensor) -> None:
        self.mel = mel
        self.window = torch.hann_window(FFT, periodic=True, dtype=torch.float64)

    def __call__(self, windows: Tensor) -> Tensor:
        """Return spectrograms (n, 1, 1 + S // 480, 64) float32 of windows (n, S) float at 48 kHz."""
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


def pooled(answer: Any) -> Tensor:
    """The vectors (n, dim) float of ``get_text_features`` or ``get_audio_features``.

    transformers 4 answers with the vectors, transformers 5 with an output that holds them.
    """
    vectors: Tensor = getattr(answer, "pooler_output", answer)
    return vectors


class ClapText:
    """CLAP's text encoder as a :class:`~seac.encoders.base.TextEncoder`.

    Args:
        network: transformers' ClapModel.
        tokenizer: tokenizer of the network.
        version: identifies the weights.
        batch: sentences per forward pass.
    """

    def __init__(self, network: Any, tokenizer: Any, version: str, batch: int = 64) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.space = self.version = version
        self.dim = int(network.config.projection_dim)
        self.batch = batch

    @torch.inference_mode()
    def __call__(self, sentences: Sequence[str]) -> Tensor:
        """Encode ``sentences`` to (n, dim) float32 of unit length, on the CPU; (0, dim) for none."""
        parts = [torch.zeros(0, self.dim)]
        for at in range(0, len(sentences), self.batch):
            tokens = self.tokenizer(
                list(sentences[at : at + self.batch]), padding=True, truncation=True, return_tensors="pt"
            ).to(self.network.device)
            encoded = pooled(
                self.network.get_text_features(
                    input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
                )
            )
            parts.append(functional.normalize(encoded.float(), dim=1).cpu())
        return torch.cat(parts)


class Clap:
    """CLAP as an :class:`~seac.encoders.base.AudioEncoder`.

    ``class_probabilities`` are the softmax over the AudioSet class names at CLAP's own temperature.

    Args:
        network: transformers' ClapModel.
        tokenizer: tokenizer of the network; embeddings of the class names are cached on disk.
        mel: (513, 64) float64 filter bank of the feature extractor.
        device: device of the network.
        name: prefix of the version.
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
        """Load CLAP from a transformers folder.

        Raises:
            InputError: the folder holds another network.
        """
        from transformers import ClapFeatureExtractor, ClapModel

        network = load_network(ClapModel, folder)
        extractor = ClapFeatureExtractor.from_pretrained(folder)  # nosec B615
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
        """CLAP text embeddings of the AudioSet class names: (C, dim) of unit length."""
        return self.text([TEMPLATE.format(name.lower()) for name in self.labels])

    @torch.inference_mode()
    def __call__(self, windows: Tensor) -> AudioFeatures:
        """Encode ``windows``, (n, 480000) float32 in [-1, 1] at 48 kHz, in one batch."""
        if len(windows) == 0:
            return AudioFeatures(torch.zeros(0, self.dim), torch.zeros(0, len(self.labels)))
        spectrograms = self.front(windows.cpu()).to(self.device)
        not_longer = torch.zeros(len(windows), 1, dtype=torch.bool, device=self.device)
        encoded = pooled(self.network.get_audio_features(input_features=spectrograms, is_longer=not_longer))
        embeddings = functional.normalize(encoded.float(), dim=1).cpu()
        scale = float(self.network.logit_scale_a.exp())
        return AudioFeatures(embeddings, (scale * embeddings @ self.names.T).softmax(1))
